import { podKind } from "#core/objects/pod.ts";
import type { PodEvent } from "#proto/podwire/v1/agent.ts";
import { type EventRecorder, referenceTo } from "../events/recorder.ts";
import { findObject } from "../state/objects.ts";
import type { Store } from "../store/store.ts";

const reasonLengthMax = 128;

export interface PodEventContext {
  readonly store: Store;
  readonly events: EventRecorder;
}

/** Records what an agent says of a pod; false where the pod isn't (any more) its node's. */
export function recordPodEvent(node: string, event: PodEvent, { store, events }: PodEventContext): boolean {
  const pod = findObject(store, podKind, event)?.object;
  if (pod === undefined || pod.spec?.nodeName !== node || pod.metadata?.uid !== event.uid) return false;
  events.record({
    about: referenceTo(podKind, pod, event.fieldPath.slice(0, reasonLengthMax)),
    type: event.type === "Warning" ? "Warning" : "Normal",
    reason: event.reason.slice(0, reasonLengthMax),
    message: event.message,
    component: "kubelet",
    host: node,
  });
  return true;
}
