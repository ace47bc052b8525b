/* What the pods of a node ask for, of what it has. */

import type { Container, Node, Pod } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "../age.ts";
import { addQuantities, parseQuantity, percentOf, type Quantity, quantityText, zeroQuantity } from "../quantity.ts";
import { field, innerTable } from "./fields.ts";

type Side = "requests" | "limits";

export function podsAndResourcesLines(node: Node, pods: readonly Pod[], nowMs: number): string[] {
  const alive = pods.filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed");
  const allocatable = (resource: string) => quantityOf(node.status?.allocatable, resource);
  const cell = (amount: Quantity, resource: string) => `${quantityText(amount)} (${percentOf(amount, allocatable(resource))}%)`;
  const rows = alive.map((pod) => [
    pod.metadata?.namespace ?? "",
    pod.metadata?.name ?? "",
    cell(ofPod(pod, "requests", "cpu"), "cpu"),
    cell(ofPod(pod, "limits", "cpu"), "cpu"),
    cell(ofPod(pod, "requests", "memory"), "memory"),
    cell(ofPod(pod, "limits", "memory"), "memory"),
    ageOf(pod.metadata?.creationTimestamp, nowMs),
  ]);
  const totals = ["cpu", "memory", "ephemeral-storage"].map((resource) => {
    const total = (side: Side) =>
      alive.map((pod) => ofPod(pod, side, resource)).reduce((sum, amount) => addQuantities(sum, amount), zeroQuantity);
    return [resource, cell(total("requests"), resource), cell(total("limits"), resource)];
  });
  const titles = ["Namespace", "Name", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age"];
  return [
    field("Non-terminated Pods", `(${alive.length} in total)`),
    ...innerTable(titles, rows),
    "Allocated resources:",
    "  (Total limits may be over 100 percent, i.e., overcommitted.)",
    ...innerTable(["Resource", "Requests", "Limits"], totals),
  ];
}

/** As the scheduler counts: what all containers and sidecars ask for, or one init container, with the sidecars before it, where that is more. */
function ofPod({ spec }: Pod, side: Side, resource: string): Quantity {
  const amountOf = (container: Container) => quantityOf(container.resources?.[side], resource);
  let sidecars = zeroQuantity;
  let atStart = zeroQuantity;
  for (const container of spec?.initContainers ?? []) {
    const withSidecars = addQuantities(sidecars, amountOf(container));
    if (container.restartPolicy === "Always") sidecars = withSidecars;
    if (withSidecars.milli > atStart.milli) atStart = withSidecars;
  }
  const running = (spec?.containers ?? []).map(amountOf).reduce((sum, amount) => addQuantities(sum, amount), sidecars);
  return atStart.milli > running.milli ? atStart : running;
}

function quantityOf(map: Readonly<Record<string, string>> | undefined, resource: string): Quantity {
  return parseQuantity(map?.[resource] ?? "0") ?? zeroQuantity;
}
