import assert from "node:assert/strict";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { deleted, fastClock, openPodLab } from "./pod-lab.ts";
import { conditionOf, statusOf, storyOf, storyPod, storySoFar, teller } from "./pod-story.ts";

const idle = "exec sleep infinity";
/** Says that it is there, and at its end that it goes. */
const lasting = (name: string) => `trap "say -${name}; exit 0" TERM; say +${name}; while :; do sleep 0.02; done`;
const sidecar = { restartPolicy: "Always" };

describe("a pod's init containers", () => {
  before(requireSandbox);

  it("run one after the other, each to its end, before the others start", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("two-inits", {
      initContainers: [teller("first", "say first; sleep 0.2; say first-done"), teller("second", "say second")],
      containers: [teller("main", `say main; ${idle}`)],
    });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "first").state?.running, "the first");
    assert.equal(agent.status(pod)?.phase, "Pending");
    assert.equal(statusOf(agent, pod, "main").state?.waiting?.reason, "PodInitializing");
    assert.equal(conditionOf(agent, pod, "Initialized"), "False ContainersNotInitialized");
    await agent.running(pod);
    await until(() => storySoFar(agent, pod).length === 4, "the main container's word");
    assert.deepEqual(storyOf(agent, pod), ["first", "first-done", "second", "main"]);
    assert.equal(conditionOf(agent, pod, "Initialized"), "True");
    const { state, ready, restartCount } = statusOf(agent, pod, "first");
    assert.deepEqual([state?.terminated?.reason, ready, restartCount], ["Completed", true, 0]);
  });

  it("run again where they fail, later each time", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(50) });
    const pod = storyPod("patient", {
      initContainers: [teller("tries", "say try; test $(wc -l </shared/story) -ge 4")],
      containers: [teller("main", `say main; ${idle}`)],
    });
    agent.set(pod);
    await agent.running(pod);
    await until(() => storyOf(agent, pod).at(-1) === "main", "the main container's word");
    assert.deepEqual(storyOf(agent, pod), ["try", "try", "try", "try", "main"]);
    assert.equal(statusOf(agent, pod, "tries").restartCount, 3);
    const reasons = agent.history.map(({ status }) => status?.initContainerStatuses[0]?.state?.waiting?.reason);
    assert.ok(reasons.includes("CrashLoopBackOff"));
  });

  it("fail their pod under restartPolicy Never, and no other container runs", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("never", {
      restartPolicy: "Never",
      initContainers: [
        teller("side", lasting("side"), sidecar),
        teller("fails", "say fails; exit 4"),
        teller("later", "say later"),
      ],
      containers: [teller("main", "say main")],
    });
    agent.set(pod);
    await until(() => agent.status(pod)?.phase === "Failed", "Failed");
    assert.equal(statusOf(agent, pod, "fails").state?.terminated?.exitCode, 4);
    assert.equal(statusOf(agent, pod, "side").state?.terminated?.exitCode, 0);
    assert.equal(statusOf(agent, pod, "main").state?.waiting?.reason, "PodInitializing");
    const reports = agent.history.map(({ status }) => status?.containerStatuses[0]?.state?.running);
    assert.ok(reports.every((running) => running === undefined));
    await until(() => agent.records.load()[0]?.address === undefined, "the network to be given back");
  });

  it("run once each, whichever agent is there", async () => {
    await using lab = await openPodLab();
    const pod = storyPod("handed-over", {
      initContainers: [teller("first", "say first; sleep 0.6"), teller("second", "say second; sleep 0.6")],
      containers: [teller("main", `say main; ${idle}`)],
    });
    for (const word of ["first", "second"]) {
      const agent = lab.startAgent();
      agent.set(pod);
      await until(() => storySoFar(agent, pod).at(-1) === word, word);
      agent.abandon();
    }
    for (let round = 0; round < 2; round++) {
      const agent = lab.startAgent();
      agent.set(pod);
      await agent.running(pod);
      await until(() => storyOf(agent, pod).at(-1) === "main", "the main container's word");
      assert.deepEqual(storyOf(agent, pod), ["first", "second", "main"]);
      agent.abandon();
    }
  });

  it("end with their pod", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("cut-short", {
      initContainers: [teller("first", lasting("first")), teller("second", "say second")],
      containers: [teller("main", "say main")],
    });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).length === 1, "the first");
    agent.set(deleted(pod, 30));
    await agent.gone(pod);
    await lab.assertOnly();
    const last = agent.history.findLast(({ gone }) => !gone)?.status;
    assert.equal(last?.initContainerStatuses[0]?.state?.terminated?.exitCode, 0);
    assert.equal(last?.initContainerStatuses[1]?.state?.terminated?.reason, "ContainerStatusUnknown");
  });
});

describe("a pod's sidecars", () => {
  before(requireSandbox);

  it("have started, as their startup probes say, before the next container starts", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(20) });
    const startupProbe = { exec: { command: ["test", "-e", "/shared/up"] }, periodSeconds: 1, failureThreshold: 100 };
    const pod = storyPod("in-order", {
      initContainers: [
        teller("side", `say side; sleep 0.3; say up; touch /shared/up; ${idle}`, { ...sidecar, startupProbe }),
        teller("init", "say init"),
      ],
      containers: [teller("main", `say main; ${idle}`)],
    });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "side").state?.running, "the sidecar");
    assert.deepEqual(
      [statusOf(agent, pod, "side").started, conditionOf(agent, pod, "Initialized")],
      [false, "False ContainersNotInitialized"],
    );
    await agent.running(pod);
    await until(() => storyOf(agent, pod).at(-1) === "main", "the main container's word");
    assert.deepEqual(storyOf(agent, pod), ["side", "up", "init", "main"]);
    assert.deepEqual([statusOf(agent, pod, "side").started, statusOf(agent, pod, "side").ready], [true, true]);
  });

  it("don't keep their pod from its end, and end after it in the reverse of their order", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("job", {
      restartPolicy: "Never",
      initContainers: [teller("one", lasting("one"), sidecar), teller("two", lasting("two"), sidecar)],
      containers: [teller("main", "until test $(wc -l </shared/story) -ge 2; do sleep 0.02; done; say main")],
    });
    agent.set(pod);
    let story: string[] = [];
    await until(() => {
      story = storySoFar(agent, pod).length > 0 ? storySoFar(agent, pod) : story;
      return agent.status(pod)?.phase === "Succeeded";
    }, "Succeeded");
    assert.deepEqual(story.slice(2, 4), ["main", "-two"]);
    for (const name of ["one", "two"]) assert.equal(statusOf(agent, pod, name).state?.terminated?.exitCode, 0);
    await until(() => agent.records.load()[0]?.address === undefined, "the network to be given back");
    // An agent that starts now finds it ended, and starts nothing.
    agent.abandon();
    const next = lab.startAgent();
    next.set(pod);
    await until(() => next.status(pod)?.phase === "Succeeded", "Succeeded");
    assert.equal(statusOf(next, pod, "one").restartCount, 0);
  });

  it("end after the main containers of a pod that is deleted", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const slow = 'trap "sleep 0.3; say -main; exit 0" TERM; say +main; while :; do sleep 0.02; done';
    const pod = storyPod("deleted", {
      initContainers: [teller("one", lasting("one"), sidecar), teller("two", `${lasting("two")}`, sidecar)],
      containers: [teller("main", slow)],
    });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).length === 3, "all three");
    const ends: string[] = [];
    agent.set(deleted(pod, 30));
    await agent.gone(pod);
    for (const { status, gone } of agent.history) {
      for (const one of gone ? [] : [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]) {
        if (one.state?.terminated !== undefined && !ends.includes(one.name ?? "")) ends.push(one.name ?? "");
      }
    }
    assert.deepEqual(ends, ["main", "two", "one"]);
    await lab.assertOnly();
  });

  it("run again when they end, whatever the pod's policy", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("ending-sidecar", {
      restartPolicy: "Never",
      initContainers: [teller("side", `say side; test $(wc -l </shared/story) -ge 2 && ${idle}; exit 0`, sidecar)],
      containers: [teller("main", idle)],
    });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "side").restartCount === 1, "the restart");
    await agent.running(pod);
    await until(() => storyOf(agent, pod).length === 2, "its second word");
    assert.deepEqual(storyOf(agent, pod), ["side", "side"]);
  });

  it("run on under an agent that starts again, and so do the others", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const pod = storyPod("taken-over", {
      initContainers: [teller("side", `say side; ${idle}`, sidecar), teller("init", "say init")],
      containers: [teller("main", `say main; ${idle}`)],
    });
    first.set(pod);
    await first.running(pod);
    await until(() => storyOf(first, pod).length === 3, "all three");
    const inits = ["side", "main"].map((name) => first.initOf(pod, name));
    first.abandon();
    await using second = lab.startAgent();
    second.set(pod);
    await second.running(pod);
    assert.deepEqual(
      ["side", "main"].map((name) => second.initOf(pod, name)),
      inits,
    );
    assert.equal(storyOf(second, pod).length, 3);
    second.set(deleted(pod, 5));
    await second.gone(pod);
    await lab.assertOnly();
  });
});
