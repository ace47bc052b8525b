/* Which of an autoscaler's pods may be evicted now, so that new ones with what is recommended take their place: those that ask for less
 * than the lower bound or for more than the upper one, and those that have run for half a day and are a tenth off the target. Pure.
 *
 * As in the real updater, half of what a controller wants may be missing at once, and budgets have their say beyond that. */

import { own } from "#core/json.ts";
import { parseQuantity, quantityProblem } from "#core/quantity.ts";
import type { Container, Pod, VerticalPodAutoscaler } from "#proto/podwire/v1/resources.ts";
import { isActive } from "../../workloads/pod-state.ts";
import { recommendationFor } from "./pod-resources.ts";

export interface ReplacementQuestion {
  readonly autoscaler: VerticalPodAutoscaler;
  /** Of one controller. */
  readonly pods: readonly Pod[];
  /** How many it wants; undefined for one that has no number. */
  readonly wanted: number | undefined;
  readonly nowMs: number;
  /** How long half a day is. */
  readonly halfDayMs: number;
}

export interface Replacement {
  /** Pods that don't run: nobody misses them. */
  readonly waiting: readonly Pod[];
  /** Those in the greatest need first. */
  readonly running: readonly Pod[];
  /** How many of the running ones may go. */
  readonly room: number;
}

const minReplicasDefault = 2;
const minDifference = 0.1;
const nobody: Replacement = { waiting: [], running: [], room: 0 };

export function planReplacement(question: ReplacementQuestion): Replacement {
  const { autoscaler, wanted } = question;
  const { updateMode = "Recreate", minReplicas = minReplicasDefault } = autoscaler.spec?.updatePolicy ?? {};
  const alive = question.pods.filter(isActive);
  if (updateMode !== "Recreate" || alive.length < minReplicas) return nobody;
  const runningCount = alive.filter(isRunning).length;
  const count = wanted ?? alive.length;
  const tolerated = Math.floor(count / 2);
  const most = Math.max(0, runningCount - (count - tolerated));
  // Where half of them is none at all, one may go while all run.
  const room = tolerated === 0 && runningCount === count ? 1 : most;
  const needs = alive.map((pod) => ({ pod, need: needOf(pod, autoscaler) }));
  const due = needs.filter(({ pod, need }) => isDue(pod, need, question)).sort((a, b) => byNeed(a.need, b.need));
  const pods = due.map(({ pod }) => pod);
  return { waiting: pods.filter((pod) => !isRunning(pod)), running: pods.filter(isRunning), room };
}

interface Need {
  readonly isOutside: boolean;
  /** It should ask for more of something. */
  readonly grows: boolean;
  /** As shares of what is asked for, the sum over cpu and memory. */
  readonly difference: number;
}

function isDue({ status }: Pod, { isOutside, difference }: Need, { nowMs, halfDayMs }: ReplacementQuestion): boolean {
  if (isOutside) return true;
  const startedMs = Date.parse(status?.startTime ?? "");
  return nowMs >= startedMs + halfDayMs && difference >= minDifference;
}

function byNeed(a: Need, b: Need): number {
  return a.grows === b.grows ? b.difference - a.difference : a.grows ? -1 : 1;
}

function needOf({ spec }: Pod, autoscaler: VerticalPodAutoscaler): Need {
  const asked = new Map<string, number>();
  const recommended = new Map<string, number>();
  let isOutside = false;
  let grows = false;
  for (const container of spec?.containers ?? []) {
    const { target = {}, lowerBound = {}, upperBound = {} } = recommendationFor(container, autoscaler) ?? {};
    for (const [name, text] of Object.entries(target)) {
      const request = requestOf(container, name);
      const [lowest, highest] = [own(lowerBound, name), own(upperBound, name)];
      const wanted = parseQuantity(text);
      add(asked, name, request ?? 0n);
      add(recommended, name, wanted);
      grows ||= request === undefined || wanted > request;
      isOutside ||=
        request === undefined ||
        (lowest !== undefined && request < parseQuantity(lowest)) ||
        (highest !== undefined && request > parseQuantity(highest));
    }
  }
  const difference = [...recommended].reduce((sum, [name, wanted]) => {
    const has = Math.max(asked.get(name) ?? 0, 0.001);
    return sum + Math.abs(has - wanted) / has;
  }, 0);
  return { isOutside, grows, difference };
}

function requestOf({ resources }: Container, name: string): bigint | undefined {
  const text = own(resources?.requests ?? {}, name);
  return text === undefined || quantityProblem(text) !== undefined ? undefined : parseQuantity(text);
}

function add(sums: Map<string, number>, name: string, quantity: bigint): void {
  sums.set(name, (sums.get(name) ?? 0) + Number(quantity) / 1e9);
}

function isRunning({ status }: Pod): boolean {
  return status?.phase === "Running";
}
