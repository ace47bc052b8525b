/* What StatefulSets, DaemonSets and Jobs have in common: each decides purely what becomes of its pods, and workload-step.ts writes that. */

import type { Clock } from "#core/clock.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import type { LabelSelector, Node, Pod, PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import type { PodRequest } from "./pod-from-template.ts";

export interface WorkloadQuestion<T extends ApiObject> {
  readonly owner: T;
  /** Its own, those that end and have ended among them. */
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  /** False where none can be made: the namespace ends, or the template makes none that is valid. */
  readonly canCreate: boolean;
  /** What it kept under these names. */
  readonly templates: ReadonlyMap<string, PodTemplateSpec>;
  readonly clock: Clock;
}

export interface NewPod {
  readonly template: PodTemplateSpec;
  readonly metadata?: PodRequest<never>["metadata"];
}

export interface Saying {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface WorkloadPlan<T extends ApiObject> {
  readonly create: readonly NewPod[];
  readonly remove: readonly Pod[];
  /** Pods that change, as they were and as they will be. */
  readonly change?: readonly { readonly from: Pod; readonly to: Pod }[];
  /** With its new status; "gone" where it goes itself. */
  readonly next: T | "gone";
  /** When time alone asks for the next plan, in wall milliseconds. */
  readonly dueMs?: number | undefined;
  readonly says?: readonly Saying[];
  /** The templates to be kept; others are forgotten. */
  readonly templates?: ReadonlyMap<string, PodTemplateSpec>;
}

export interface Workload<T extends ApiObject> {
  readonly kind: Kind<T>;
  /** Who speaks in its events. */
  readonly component: string;
  /** Whether the nodes count in its plans. */
  readonly followsNodes: boolean;
  selectorOf(owner: T): LabelSelector | undefined;
  /** Whether a pod that it selects could be one of its own. */
  isMember?(owner: T, pod: Pod): boolean;
  plan(question: WorkloadQuestion<T>): WorkloadPlan<T>;
  /** What it says of a pod that it made or ended. */
  says(what: "created" | "deleted", pod: string, owner: T): string;
}

/** The earliest of some times, where there is any. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const given = times.filter((ms) => ms !== undefined && Number.isFinite(ms)) as number[];
  return given.length === 0 ? undefined : Math.min(...given);
}
