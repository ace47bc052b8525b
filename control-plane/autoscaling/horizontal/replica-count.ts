/* How many pods a metric asks for: Kubernetes' replica_calculator.go. Numbers are in thousandths of a metric's unit. Pure. */

import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { PodGroups } from "./pod-groups.ts";

/** By how much of its target a metric may be above or below it before anything happens. */
export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

export interface CountInput {
  readonly currentReplicas: number;
  readonly tolerance: Tolerance;
  readonly groups: PodGroups;
}

export interface Utilization {
  readonly replicas: number;
  /** In whole per cent of the requests of those that were measured. */
  readonly utilization: number;
  /** The mean of a pod, in thousandths. */
  readonly meanMilli: number;
}

/** Against a share of what the pods request. There must be a pod that was measured. */
export function countByUtilization(
  input: CountInput,
  target: { readonly percent: number; readonly requestMilli: (pod: Pod) => number },
): Utilization {
  const { measured } = input.groups;
  const used = [...measured].map(([pod, { milli }]) => [pod, milli] as const);
  const ratioOf = (usage: readonly (readonly [Pod, number])[]) => {
    const requested = sum(usage.map(([pod]) => target.requestMilli(pod)));
    return Math.trunc((sum(usage.map(([, milli]) => milli)) * 100) / requested);
  };
  const utilization = ratioOf(used);
  const replicas = count({
    ...{ input, usage: used, ratio: utilization / target.percent },
    ratioOf: (usage) => ratioOf(usage) / target.percent,
    // One of which nothing is known is taken to use all that it requests, or all that it should where that is more.
    full: (pod) => (target.requestMilli(pod) * Math.max(100, target.percent)) / 100,
  });
  return { replicas, utilization, meanMilli: mean(used.map(([, milli]) => milli)) };
}

/** Against an amount for each pod. There must be a pod that was measured. */
export function countByMean(input: CountInput, targetMilli: number): Omit<Utilization, "utilization"> {
  const used = [...input.groups.measured].map(([pod, { milli }]) => [pod, milli] as const);
  const ratioOf = (usage: readonly (readonly [Pod, number])[]) => mean(usage.map(([, milli]) => milli)) / targetMilli;
  const replicas = count({ input, usage: used, ratio: ratioOf(used), ratioOf, full: () => targetMilli });
  return { replicas, meanMilli: mean(used.map(([, milli]) => milli)) };
}

interface Counting {
  readonly input: CountInput;
  readonly usage: readonly (readonly [Pod, number])[];
  /** Of those that were measured. */
  readonly ratio: number;
  ratioOf(usage: readonly (readonly [Pod, number])[]): number;
  full(pod: Pod): number;
}

/** Whatever is not known speaks against a change, and never for one in the other direction. */
function count({ input: { currentReplicas, tolerance, groups }, usage, ratio, ratioOf, full }: Counting): number {
  const { unready, missing } = groups;
  const waitsForUnready = unready.length > 0 && ratio > 1;
  if (!waitsForUnready && missing.length === 0) {
    return isWithin(ratio, tolerance) ? currentReplicas : Math.ceil(ratio * usage.length);
  }
  const filled = [...usage];
  if (ratio < 1) filled.push(...missing.map((pod) => [pod, full(pod)] as const));
  else if (ratio > 1) filled.push(...missing.map((pod) => [pod, 0] as const));
  if (waitsForUnready) filled.push(...unready.map((pod) => [pod, 0] as const));
  const next = ratioOf(filled);
  if (isWithin(next, tolerance) || (ratio < 1 && next > 1) || (ratio > 1 && next < 1)) return currentReplicas;
  const replicas = Math.ceil(next * filled.length);
  const turns = (next < 1 && replicas > currentReplicas) || (next > 1 && replicas < currentReplicas);
  return turns ? currentReplicas : replicas;
}

/** Of one object, against one value. */
export function countByValue(
  { currentReplicas, tolerance, readyCount }: ObjectCountInput,
  usageMilli: number,
  targetMilli: number,
): number {
  const ratio = usageMilli / targetMilli;
  if (currentReplicas === 0) return Math.ceil(ratio);
  return isWithin(ratio, tolerance) ? currentReplicas : Math.ceil(ratio * readyCount);
}

/** Of one object, against a value for each pod. */
export function countByShare(
  { currentReplicas, tolerance }: Omit<ObjectCountInput, "readyCount">,
  usageMilli: number,
  targetMilli: number,
): number {
  const isSettled = currentReplicas > 0 && isWithin(usageMilli / (targetMilli * currentReplicas), tolerance);
  return isSettled ? currentReplicas : Math.ceil(usageMilli / targetMilli);
}

export interface ObjectCountInput extends Omit<CountInput, "groups"> {
  readonly readyCount: number;
}

function isWithin(ratio: number, { up, down }: Tolerance): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Whole thousandths, as Kubernetes divides. */
function mean(numbers: readonly number[]): number {
  return Math.trunc(sum(numbers) / numbers.length);
}
