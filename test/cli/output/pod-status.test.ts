import assert from "node:assert/strict";
import { Pod } from "#proto/podwire/v1/resources.ts";
import { podSummary } from "../../../cli/output/pod-status.ts";

const running = { running: {} };
const completed = { terminated: { exitCode: 0, reason: "Completed" } };
const failed = { terminated: { exitCode: 1, reason: "Error" } };
const waiting = (reason: string) => ({ waiting: { reason } });

interface Given {
  readonly inits?: readonly object[];
  readonly mains?: readonly object[];
  readonly phase?: string;
  readonly initialized?: boolean;
  readonly ready?: boolean;
  readonly deleted?: boolean;
}

/** A pod with the init containers `first` and `second`, a sidecar `side` between them, and two containers. */
function summaryOf({ inits = [], mains = [], phase = "Pending", initialized = false, ready = false, deleted = false }: Given) {
  const names = ["first", "side", "second"];
  return podSummary(
    Pod.fromJSON({
      metadata: { name: "web", ...(deleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
      spec: {
        initContainers: names.map((name) => ({ name, ...(name === "side" ? { restartPolicy: "Always" } : {}) })),
        containers: [{ name: "a" }, { name: "b" }],
      },
      status: {
        phase,
        initContainerStatuses: inits.map((status, i) => ({ name: names[i], ...status })),
        containerStatuses: mains.map((status, i) => ({ name: ["a", "b"][i], ...status })),
        conditions: [
          { type: "Initialized", status: initialized ? "True" : "False" },
          { type: "Ready", status: ready ? "True" : "False" },
        ],
      },
    }),
  );
}

describe("the STATUS and READY of a pod", () => {
  const pending = { state: waiting("PodInitializing") };
  const mains = [pending, pending];
  const side = { state: running, started: true, ready: true };
  const done = { state: completed, ready: true };
  const up = { state: running, started: true, ready: true };
  const past = [done, side, done];
  const cases: readonly (readonly [sentence: string, given: Given, text: string, ready: string])[] = [
    ["before its first init container", { inits: [pending, pending, pending], mains }, "Init:0/3", "0/3"],
    ["in its first init container", { inits: [{ state: running }, pending, pending], mains }, "Init:0/3", "0/3"],
    ["whose sidecar is starting", { inits: [done, { state: running, started: false }, pending], mains }, "Init:1/3", "0/3"],
    ["in the init container after its sidecar", { inits: [done, side, { state: running }], mains }, "Init:2/3", "1/3"],
    ["whose init container failed", { inits: [{ state: failed }, pending, pending], mains }, "Init:Error", "0/3"],
    [
      "whose init container failed again and again",
      { inits: [{ state: waiting("CrashLoopBackOff") }, pending, pending], mains },
      "Init:CrashLoopBackOff",
      "0/3",
    ],
    [
      "whose init container was ended by a signal",
      { inits: [{ state: { terminated: { exitCode: 137, signal: 9 } } }, pending, pending], mains },
      "Init:Signal:9",
      "0/3",
    ],
    ["past its init containers", { inits: past, mains }, "PodInitializing", "1/3"],
    ["that runs", { inits: past, mains: [up, up], phase: "Running", initialized: true, ready: true }, "Running", "3/3"],
    [
      "with a container that isn't ready",
      { inits: past, mains: [up, { state: running }], phase: "Running", initialized: true },
      "Running",
      "2/3",
    ],
    [
      "whose sidecar fails while it runs",
      {
        inits: [done, { state: waiting("CrashLoopBackOff"), started: false }, done],
        mains: [up, up],
        phase: "Running",
        initialized: true,
      },
      "Init:CrashLoopBackOff",
      "2/3",
    ],
    [
      "that ended well",
      { inits: [done, done, done], mains: [done, done], phase: "Succeeded", initialized: true },
      "Completed",
      "0/3",
    ],
    [
      "with one end and one that runs",
      { inits: past, mains: [done, up], phase: "Running", initialized: true },
      "NotReady",
      "2/3",
    ],
    [
      "that is deleted",
      { inits: past, mains: [up, up], phase: "Running", initialized: true, deleted: true },
      "Terminating",
      "3/3",
    ],
    [
      "that is deleted after its end",
      { inits: past, mains: [done, done], phase: "Succeeded", initialized: true, deleted: true },
      "Completed",
      "1/3",
    ],
    [
      "whose config is missing",
      { inits: past, mains: [{ state: waiting("CreateContainerConfigError") }, up], initialized: true },
      "CreateContainerConfigError",
      "2/3",
    ],
  ];
  for (const [sentence, given, text, ready] of cases) {
    it(`are ${text} and ${ready} for one ${sentence}`, () => {
      const summary = summaryOf(given);
      assert.deepEqual([summary.text, `${summary.ready}/${summary.total}`], [text, ready]);
    });
  }

  it("counts the restarts of init containers only until the pod is past them, and those of sidecars always", () => {
    const again = (restartCount: number) => ({
      restartCount,
      lastState: { terminated: { exitCode: 1, finishedAt: `2026-01-01T00:00:0${restartCount}Z` } },
    });
    const before = summaryOf({ inits: [{ state: running, ...again(4) }, pending, pending], mains });
    assert.deepEqual([before.restarts, before.restartedAt], [4, "2026-01-01T00:00:04Z"]);
    const after = summaryOf({
      inits: [{ ...done, ...again(4) }, { ...side, ...again(1) }, done],
      mains: [{ ...up, ...again(2) }, up],
      initialized: true,
    });
    assert.deepEqual([after.restarts, after.restartedAt], [3, "2026-01-01T00:00:02Z"]);
  });
});
