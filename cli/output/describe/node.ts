import { kinds } from "#core/objects/kinds.ts";
import type { Node, NodeSystemInfo, Pod, Taint } from "#proto/podwire/v1/resources.ts";
import { nodeRoles } from "../node-columns.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, conditionsLines, field, indented, labelsField, listField, timeText } from "./fields.ts";
import { podsAndResourcesLines } from "./node-resources.ts";

export const nodeDescriber: Describer<Node> = {
  events: true,
  related(node) {
    const kind = kinds.find((candidate) => candidate.kind === "Pod");
    return kind === undefined ? undefined : { kind, namespace: "", fieldSelector: `spec.nodeName=${node.metadata?.name ?? ""}` };
  },
  lines: (node, { related, nowMs }) => [
    ...headLines(node),
    ...conditionsLines(node.status?.conditions ?? [], { times: true }),
    "Addresses:",
    ...indented((node.status?.addresses ?? []).map(({ type, address }) => field(type ?? "", address))),
    "Capacity:",
    ...quantities(node.status?.capacity ?? {}),
    "Allocatable:",
    ...quantities(node.status?.allocatable ?? {}),
    "System Info:",
    ...indented(systemLines(node.status?.nodeInfo)),
    field("PodCIDR", node.spec?.podCIDR),
    field("PodCIDRs", node.spec?.podCIDRs.join(",")),
    ...(node.spec?.providerID === undefined ? [] : [field("ProviderID", node.spec.providerID)]),
    ...podsAndResourcesLines(node, related as readonly Pod[], nowMs),
  ],
};

function headLines(node: Node): string[] {
  const { metadata, spec } = node;
  return [
    field("Name", metadata?.name),
    field("Roles", nodeRoles(node).join(",") || "<none>"),
    ...labelsField("Labels", metadata?.labels ?? {}),
    ...annotationsField(metadata?.annotations ?? {}),
    field("CreationTimestamp", timeText(metadata?.creationTimestamp)),
    ...(metadata?.deletionTimestamp === undefined ? [] : [field("DeletionTimestamp", timeText(metadata.deletionTimestamp))]),
    ...listField("Taints", (spec?.taints ?? []).map(taintText)),
    field("Unschedulable", spec?.unschedulable ?? false),
  ];
}

function taintText({ key = "", value = "", effect = "" }: Taint): string {
  return `${key}${value === "" ? "" : `=${value}`}:${effect}`;
}

function quantities(map: Readonly<Record<string, string>>): string[] {
  return indented(
    Object.entries(map)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, quantity]) => field(name, quantity)),
  );
}

function systemLines(info: NodeSystemInfo | undefined): string[] {
  return [
    field("Machine ID", info?.machineID),
    field("Boot ID", info?.bootID),
    field("Kernel Version", info?.kernelVersion),
    field("OS Image", info?.osImage),
    field("Operating System", info?.operatingSystem),
    field("Architecture", info?.architecture),
    field("Container Runtime Version", info?.containerRuntimeVersion),
    field("Kubelet Version", info?.kubeletVersion),
  ];
}
