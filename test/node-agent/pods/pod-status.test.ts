import assert from "node:assert/strict";
import { parseIpv4 } from "#core/ipv4.ts";
import { Pod } from "#proto/podwire/v1/resources.ts";
import {
  type Ended,
  type ObservedContainer,
  type ObservedPod,
  type Phase,
  podStatusOf,
} from "../../../node-agent/pods/pod-status.ts";

const pod = Pod.fromJSON({
  metadata: { name: "web", namespace: "default", uid: "u1" },
  spec: {
    containers: [
      { name: "a", image: "one" },
      { name: "b", image: "two" },
    ],
  },
});

const waiting: Phase = { phase: "waiting", reason: "ContainerCreating" };
const running: Phase = { phase: "running", startedAtMs: 1_000, started: true, ready: true };
const crashed: Ended = { exitCode: 7, reason: "Error", startedAtMs: 1_000, finishedAtMs: 2_000 };
const backingOff: Phase = { phase: "waiting", reason: "CrashLoopBackOff", message: "back-off 10s" };
const ended = (exitCode: number, final = true): Phase => ({ ...crashed, phase: "ended", exitCode, final });

function container(name: string, now: Phase, more: Partial<ObservedContainer> = {}): ObservedContainer {
  return { name, role: "main", now, restarts: 0, last: undefined, ...more };
}

function statusOf(phases: readonly ObservedContainer[], more: Partial<ObservedPod> = {}) {
  return podStatusOf({
    pod,
    nodeAddress: parseIpv4("192.168.0.1"),
    address: parseIpv4("10.244.1.2"),
    startedAtMs: 500,
    containers: phases,
    ...more,
  });
}

function conditionsOf(status: ReturnType<typeof podStatusOf>): Record<string, string> {
  return Object.fromEntries(
    status.conditions.map(({ type, status, reason }) => [type, [status, reason].filter(Boolean).join(" ")]),
  );
}

describe("a pod's status", () => {
  const again = { restarts: 1, last: crashed };
  const phases: readonly (readonly [readonly ObservedContainer[], phase: string, ready: string])[] = [
    [[container("a", waiting), container("b", waiting)], "Pending", "False ContainersNotReady"],
    [[container("a", running), container("b", waiting)], "Pending", "False ContainersNotReady"],
    [[container("a", running), container("b", running)], "Running", "True"],
    [[container("a", running), container("b", waiting, again)], "Running", "False ContainersNotReady"],
    [[container("a", backingOff, again), container("b", backingOff, again)], "Running", "False ContainersNotReady"],
    [[container("a", ended(7, false)), container("b", running)], "Running", "False ContainersNotReady"],
    [[container("a", ended(0)), container("b", running)], "Running", "False ContainersNotReady"],
    [[container("a", ended(0)), container("b", ended(0, false))], "Running", "False ContainersNotReady"],
    [[container("a", ended(0)), container("b", ended(0))], "Succeeded", "False PodCompleted"],
    [[container("a", ended(0)), container("b", ended(7))], "Failed", "False PodFailed"],
    [[container("a", ended(128)), container("b", ended(137))], "Failed", "False PodFailed"],
  ];
  for (const [containers, phase, ready] of phases) {
    const words = containers.map(({ now, last }) => `${nameOf(now)}${last === undefined ? "" : " again"}`).join(" and ");
    it(`is ${phase} with containers that are ${words}`, () => {
      const status = statusOf(containers);
      assert.equal(status.phase, phase);
      const { Ready, ContainersReady } = conditionsOf(status);
      assert.deepEqual([Ready, ContainersReady], [ready, ready]);
    });
  }

  it("names the containers that are not ready", () => {
    const { conditions } = statusOf([container("a", waiting), container("b", running)]);
    assert.equal(conditions.find(({ type }) => type === "Ready")?.message, "containers with unready status: [a]");
  });

  it("tells the times, codes and ids of its containers, in the pod's order", () => {
    const status = statusOf([container("a", running, { restarts: 2, last: crashed }), container("b", ended(0))]);
    assert.deepEqual(
      status.containerStatuses.map(({ name, ready, started, restartCount, image, containerID }) => [
        ...[name, ready, started, restartCount, image, containerID],
      ]),
      [
        ["a", true, true, 2, "one", "podwire://u1/a/2"],
        ["b", false, false, 0, "two", "podwire://u1/b/0"],
      ],
    );
    assert.deepEqual(status.containerStatuses[0]?.state, { running: { startedAt: "1970-01-01T00:00:01Z" } });
    assert.deepEqual(status.containerStatuses[0]?.lastState?.terminated?.exitCode, 7);
    assert.deepEqual(status.containerStatuses[1]?.state, {
      terminated: {
        exitCode: 0,
        signal: undefined,
        reason: "Error",
        message: undefined,
        startedAt: "1970-01-01T00:00:01Z",
        finishedAt: "1970-01-01T00:00:02Z",
      },
    });
  });

  it("has no id for a container that never began", () => {
    assert.equal(statusOf([container("a", waiting)]).containerStatuses[0]?.containerID, undefined);
  });

  it("has an address once it has a network, and its node's from the start", () => {
    const without = statusOf([container("a", waiting)], { address: undefined });
    assert.deepEqual([without.podIP, without.podIPs, without.hostIP], [undefined, [], "192.168.0.1"]);
    assert.equal(conditionsOf(without).PodReadyToStartContainers, "False");
    const withOne = statusOf([container("a", running)]);
    assert.deepEqual([withOne.podIP, withOne.podIPs], ["10.244.1.2", [{ ip: "10.244.1.2" }]]);
    assert.equal(conditionsOf(withOne).PodReadyToStartContainers, "True");
    assert.equal(conditionsOf(statusOf([container("a", ended(0))])).PodReadyToStartContainers, "False");
  });

  it("says what keeps it from running", () => {
    const problem = { reason: "FailedCreatePodSandBox", message: "no pod address is free" };
    const { reason, message, phase } = statusOf([container("a", waiting)], { address: undefined, problem });
    assert.deepEqual([reason, message, phase], [problem.reason, problem.message, "Pending"]);
  });
});

describe("the status of a pod with init containers and a sidecar", () => {
  const full = Pod.fromJSON({
    metadata: { name: "web", namespace: "default", uid: "u1" },
    spec: { initContainers: [{ name: "init" }, { name: "side", restartPolicy: "Always" }], containers: [{ name: "a" }] },
  });
  const preparing: Phase = { phase: "waiting", reason: "PodInitializing" };
  const starting: Phase = { phase: "running", startedAtMs: 1_000, started: false, ready: false };
  const unready: Phase = { phase: "running", startedAtMs: 1_000, started: true, ready: false };
  const cases: readonly (readonly [sentence: string, phases: readonly [Phase, Phase, Phase], want: readonly string[]])[] = [
    [
      "in its init container",
      [running, preparing, preparing],
      ["Pending", "False ContainersNotInitialized", "False ContainersNotReady"],
    ],
    [
      "whose sidecar starts",
      [ended(0), starting, preparing],
      ["Pending", "False ContainersNotInitialized", "False ContainersNotReady"],
    ],
    ["whose sidecar has started", [ended(0), running, preparing], ["Pending", "True", "False ContainersNotReady"]],
    ["that runs", [ended(0), running, running], ["Running", "True", "True"]],
    ["whose sidecar isn't ready", [ended(0), unready, running], ["Running", "True", "False ContainersNotReady"]],
    ["whose sidecar is started again", [ended(0), backingOff, running], ["Running", "True", "False ContainersNotReady"]],
    ["whose container isn't ready", [ended(0), running, unready], ["Running", "True", "False ContainersNotReady"]],
    [
      "whose init container is tried again",
      [backingOff, preparing, preparing],
      ["Pending", "False ContainersNotInitialized", "False ContainersNotReady"],
    ],
    ["whose init container failed for good", [ended(1), preparing, preparing], ["Failed", "False PodFailed", "False PodFailed"]],
    ["that ended while its sidecar runs", [ended(0), running, ended(0)], ["Running", "True", "False ContainersNotReady"]],
    ["that ended", [ended(0), ended(143), ended(0)], ["Succeeded", "True PodCompleted", "False PodCompleted"]],
    ["that failed", [ended(0), ended(0), ended(1)], ["Failed", "True", "False PodFailed"]],
  ];
  for (const [sentence, [init, side, a], want] of cases) {
    it(`is ${want[0]} for one ${sentence}`, () => {
      const roles = [container("init", init, { role: "init" }), container("side", side, { role: "sidecar" }), container("a", a)];
      const status = statusOf(roles, { pod: full });
      const { Initialized, Ready, ContainersReady } = conditionsOf(status);
      assert.deepEqual([status.phase, Initialized, Ready, ContainersReady], [...want, want[2]]);
    });
  }

  it("tells of each container in its own list, ready and started as probes say", () => {
    const roles = [
      container("init", ended(0), { role: "init" }),
      container("side", unready, { role: "sidecar" }),
      container("a", starting),
    ];
    const { initContainerStatuses, containerStatuses, conditions } = statusOf(roles, { pod: full });
    assert.deepEqual(
      [...initContainerStatuses, ...containerStatuses].map(({ name, ready, started }) => [name, ready, started]),
      [
        ["init", true, false],
        ["side", false, true],
        ["a", false, false],
      ],
    );
    assert.equal(conditions.find(({ type }) => type === "Ready")?.message, "containers with unready status: [side a]");
  });
});

function nameOf(now: Phase): string {
  switch (now.phase) {
    case "waiting":
      return now.reason;
    case "running":
      return "running";
    case "ended":
      return `ended with ${now.exitCode}${now.final ? "" : " for now"}`;
  }
}
