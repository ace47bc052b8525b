import assert from "node:assert/strict";
import { verticalPodAutoscalerKind } from "#core/objects/vertical-pod-autoscaler.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { planReplacement } from "../../../../control-plane/autoscaling/vertical/replacement.ts";
import { type PodFacts, runningPod } from "../../../support/workload-objects.ts";

const startMs = Date.UTC(2026, 0, 1);
const hourMs = 3_600_000;

function autoscaler(updatePolicy: object = {}) {
  return verticalPodAutoscalerKind.fromJson({
    metadata: { name: "web", namespace: "default" },
    spec: { targetRef: { kind: "Deployment", name: "web" }, updatePolicy },
    status: {
      recommendation: {
        containerRecommendations: [
          { containerName: "main", target: { cpu: "100m" }, lowerBound: { cpu: "50m" }, upperBound: { cpu: "200m" } },
        ],
      },
    },
  });
}

/** Started at the beginning of the year. */
function pod(name: string, cpu: string | undefined, facts: PodFacts = {}): Pod {
  const made = runningPod(name, facts);
  const requests: Record<string, string> = cpu === undefined ? {} : { cpu };
  const resources = { limits: {}, requests, claims: [] };
  const containers = (made.spec?.containers ?? []).map((container) => ({ ...container, resources }));
  return {
    ...made,
    spec: made.spec && { ...made.spec, containers },
    status: made.status && { ...made.status, startTime: "2026-01-01T00:00:00Z" },
  };
}

interface Case {
  readonly title: string;
  readonly pods: readonly Pod[];
  readonly policy?: object;
  readonly wanted?: number;
  readonly hours?: number;
  readonly running: string;
  readonly waiting?: string;
  readonly room: number;
}

describe("the pods that an autoscaler replaces", () => {
  const fine = [pod("x", "100m"), pod("y", "50m"), pod("z", "200m")];
  const low = [pod("a", "49m"), pod("b", "20m")];
  const cases: Case[] = [
    { title: "are none between the bounds", pods: fine, running: "", room: 1 },
    { title: "are those below, the furthest first", pods: [...fine, ...low], running: "ba", room: 2 },
    { title: "are those above", pods: [...fine, pod("a", "201m")], running: "a", room: 2 },
    { title: "are those that ask for nothing", pods: [...fine, pod("a", undefined)], running: "a", room: 2 },
    { title: "are first those that grow", pods: [pod("a", "10"), pod("b", "49m")], running: "ba", room: 1 },
    { title: "are not those that end or have ended", pods: [...low, pod("c", "1m", { deleted: true })], running: "ba", room: 1 },
    { title: "are none of fewer than two", pods: low.slice(0, 1), running: "", room: 0 },
    { title: "are none of fewer than minReplicas", pods: low, policy: { minReplicas: 3 }, running: "", room: 0 },
    { title: "may be a single one", pods: low.slice(0, 1), policy: { minReplicas: 1 }, running: "a", room: 1 },
    { title: "wait while half of what is wanted is missing", pods: low, wanted: 4, running: "ba", room: 0 },
    {
      title: "may go at once where they don't run",
      pods: [...low, pod("c", "1m", { phase: "Pending" })],
      running: "ba",
      waiting: "c",
      room: 0,
    },
    { title: "are none where it says it only", pods: low, policy: { updateMode: "Off" }, running: "", room: 0 },
    { title: "are none where new pods alone get it", pods: low, policy: { updateMode: "Initial" }, running: "", room: 0 },
    { title: "are those a tenth off the target after half a day", pods: fine, hours: 12, running: "yz", room: 1 },
    { title: "are not those less than a tenth off", pods: [pod("a", "105m"), pod("b", "95m")], hours: 12, running: "", room: 1 },
  ];
  for (const { title, pods, policy, wanted, hours = 11, running, waiting = "", room } of cases) {
    it(title, () => {
      const plan = planReplacement({
        ...{
          autoscaler: autoscaler(policy),
          pods,
          wanted: wanted ?? pods.filter((one) => one.metadata?.deletionTimestamp === undefined).length,
        },
        nowMs: startMs + hours * hourMs,
        halfDayMs: 12 * hourMs,
      });
      const names = (list: readonly Pod[]) => list.map(({ metadata }) => metadata?.name).join("");
      assert.deepEqual([names(plan.running), names(plan.waiting), plan.room], [running, waiting, room]);
    });
  }
});
