import type { Node } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";

export const nodeColumns: readonly Column<Node>[] = [
  { title: "STATUS", cell: nodeStatusText },
  { title: "ROLES", cell: (node) => nodeRoles(node).join(",") || "<none>" },
  { title: "AGE", cell: (node, nowMs) => ageOf(node.metadata?.creationTimestamp, nowMs) },
  { title: "VERSION", cell: (node) => node.status?.nodeInfo?.kubeletVersion ?? "" },
  { title: "INTERNAL-IP", wide: true, cell: (node) => addressOf(node, "InternalIP") },
  { title: "EXTERNAL-IP", wide: true, cell: (node) => addressOf(node, "ExternalIP") },
  { title: "OS-IMAGE", wide: true, cell: (node) => node.status?.nodeInfo?.osImage || "<unknown>" },
  { title: "KERNEL-VERSION", wide: true, cell: (node) => node.status?.nodeInfo?.kernelVersion || "<unknown>" },
  { title: "CONTAINER-RUNTIME", wide: true, cell: (node) => node.status?.nodeInfo?.containerRuntimeVersion || "<unknown>" },
  // kubectl has no such column; here it is what one looks for.
  { title: "POD-CIDR", wide: true, cell: (node) => node.spec?.podCIDRs.join(",") || node.spec?.podCIDR || "<none>" },
];

/** `Ready`, `NotReady`, `Unknown`; with `,SchedulingDisabled` where the node is cordoned. */
export function nodeStatusText(node: Node): string {
  const ready = node.status?.conditions.find((condition) => condition.type === "Ready");
  const health = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return node.spec?.unschedulable === true ? `${health},SchedulingDisabled` : health;
}

const rolePrefix = "node-role.kubernetes.io/";

export function nodeRoles(node: Node): string[] {
  const labels = Object.entries(node.metadata?.labels ?? {});
  return labels
    .flatMap(([key, value]) => {
      if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)];
      return key === "kubernetes.io/role" ? [value] : [];
    })
    .filter((role) => role !== "")
    .sort();
}

function addressOf(node: Node, type: string): string {
  return node.status?.addresses.find((address) => address.type === type)?.address || "<none>";
}
