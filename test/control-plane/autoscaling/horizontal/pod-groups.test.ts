import assert from "node:assert/strict";
import { podKind } from "#core/objects/pod.ts";
import { groupPods } from "../../../../control-plane/autoscaling/horizontal/pod-groups.ts";

const startMs = Date.UTC(2026, 0, 1, 12);
const at = (seconds: number) => new Date(startMs + seconds * 1_000).toISOString();

interface Facts {
  readonly phase?: string;
  readonly ending?: boolean;
  readonly ready?: string;
  /** Since the pod's start, when its readiness changed. */
  readonly changedAt?: number;
  /** Of the end of the measurement, in seconds since the pod's start; none where it is null. */
  readonly measuredAt?: number | null;
  readonly now?: number;
}

function groupOf(
  { phase = "Running", ending, ready = "True", changedAt = 5, measuredAt = 60, now = 60 }: Facts,
  isCpu = true,
): string {
  const pod = podKind.fromJson({
    metadata: { name: "web", ...(ending ? { deletionTimestamp: at(0) } : {}) },
    status: { phase, startTime: at(0), conditions: [{ type: "Ready", status: ready, lastTransitionTime: at(changedAt) }] },
  });
  const groups = groupPods({
    ...{ pods: [pod], isCpu, nowMs: startMs + now * 1_000 },
    patience: { initializationMs: 300_000, readinessDelayMs: 30_000 },
    sampleOf: () => (measuredAt === null ? undefined : { milli: 1, atMs: startMs + measuredAt * 1_000, windowMs: 10_000 }),
  });
  if (groups.measured.size > 0) return "measured";
  return groups.unready.length > 0 ? "unready" : groups.missing.length > 0 ? "missing" : "ignored";
}

describe("a pod, for an autoscaler,", () => {
  const cases: readonly (Facts & { readonly title: string; readonly want: string; readonly isCpu?: boolean })[] = [
    { title: "counts", want: "measured" },
    { title: "does not count once it ends", ending: true, want: "ignored" },
    { title: "does not count where it failed", phase: "Failed", want: "ignored" },
    { title: "is unready while it is pending", phase: "Pending", want: "unready" },
    { title: "is missing where nothing is known of it", measuredAt: null, want: "missing" },
    { title: "is unready in its first five minutes until it is Ready", ready: "False", want: "unready" },
    { title: "is unready until a whole window is of after it was Ready", changedAt: 55, measuredAt: 60, want: "unready" },
    { title: "counts from then on", changedAt: 50, measuredAt: 60, want: "measured" },
    {
      title: "counts after five minutes though it isn't Ready any more",
      now: 301,
      ready: "False",
      changedAt: 200,
      want: "measured",
    },
    { title: "is unready after five minutes where it never was Ready", now: 301, ready: "False", changedAt: 20, want: "unready" },
    { title: "counts for its memory, ready or not", ready: "False", isCpu: false, want: "measured" },
  ];
  for (const { title, want, isCpu, ...facts } of cases) it(title, () => assert.equal(groupOf(facts, isCpu), want));
});
