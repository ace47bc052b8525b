/* What happened to a pod, for people. An event that nobody takes is lost: the pod's status says all that matters. */

import type { Clock } from "#core/clock.ts";
import type { PodEvent } from "#proto/podwire/v1/agent.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";

export type EmitEvent = (type: "Normal" | "Warning", reason: string, message: string) => void;

const messageLengthMax = 1_024;
const repeatMs = 10_000;

/** Events about one container of the pod, or about the pod where `fieldPath` is empty. */
export function eventsOf(pod: Pod, fieldPath: string, onEvent: (event: PodEvent) => void): EmitEvent {
  const { namespace = "", name = "", uid = "" } = pod.metadata ?? {};
  return (type, reason, message) =>
    onEvent({ namespace, name, uid, type, reason, message: message.slice(0, messageLengthMax), fieldPath });
}

/** Says the same again only after a while: what is tried each second fails each second. */
export function withoutHaste(emit: EmitEvent, clock: Clock): EmitEvent {
  const saidAtMs = new Map<string, number>();
  return (type, reason, message) => {
    const nowMs = clock.monotonicMs();
    const before = saidAtMs.get(reason);
    if (before !== undefined && nowMs - before < repeatMs) return;
    saidAtMs.set(reason, nowMs);
    emit(type, reason, message);
  };
}
