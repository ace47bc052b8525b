/* Readiness gates (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate): conditions of others that must
 * hold, beside the containers' readiness, for a pod to be Ready. Pure. */

import type { Condition, Pod, PodReadinessGate } from "#proto/podwire/v1/resources.ts";
import { qualifiedNameProblem } from "../names.ts";
import type { Problem } from "./kind.ts";
import { unless } from "./problem.ts";

export function validateReadinessGates(gates: readonly PodReadinessGate[], path: string): Problem[] {
  return gates.flatMap(({ conditionType = "" }, i) =>
    unless(`${path}[${i}].conditionType`, conditionType, qualifiedNameProblem(conditionType)),
  );
}

/** With the condition Ready as its gates leave it; a pod without gates is Ready when its containers are. */
export function withReadinessGates(pod: Pod): Pod {
  const gates = pod.spec?.readinessGates ?? [];
  const { status } = pod;
  if (gates.length === 0 || status === undefined) return pod;
  const find = (type: string) => status.conditions.find((condition) => condition.type === type);
  const containers = find("ContainersReady");
  const closed = gates.flatMap(({ conditionType = "" }) => closedBecause(conditionType, find(conditionType)));
  const ready = containers?.status === "True" && closed.length > 0 ? notReady(closed) : { ...containers, type: "Ready" };
  return { ...pod, status: { ...status, conditions: status.conditions.map((one) => (one.type === "Ready" ? ready : one)) } };
}

function notReady(closed: readonly string[]): Condition {
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: closed.join(", ") };
}

function closedBecause(type: string, condition: Condition | undefined): string[] {
  if (condition === undefined) return [`corresponding condition of pod readiness gate "${type}" does not exist.`];
  if (condition.status === "True") return [];
  return [`the status of pod readiness gate "${type}" is not "True", but ${condition.status}`];
}
