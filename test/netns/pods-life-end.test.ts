import assert from "node:assert/strict";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { type AgentOfPods, deleted, fastClock, openPodLab } from "./pod-lab.ts";
import { eventsOf, statusOf, storyOf, storyPod, storySoFar, teller } from "./pod-story.ts";

const idle = "exec sleep infinity";
const polite = 'trap "say term; exit 0" TERM; say up; while :; do sleep 0.02; done';
const deaf = 'trap "say term" TERM; say up; while :; do sleep 0.02; done';
const told = (command: string) => ({ exec: { command: ["sh", "-c", command] } });
const hooked = (script: string, lifecycle: object, more: object = {}) => teller("main", script, { lifecycle, ...more });

describe("a container's postStart hook", () => {
  before(requireSandbox);

  it("runs in the container, which is not running before the hook is done", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const postStart = told(
      "echo hook >>/shared/story; until test -e /shared/go; do sleep 0.02; done; echo hook-done >>/shared/story",
    );
    const pod = storyPod("hooked", { containers: [hooked(idle, { postStart })] });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).includes("hook"), "the hook");
    assert.equal(statusOf(agent, pod, "main").state?.waiting?.reason, "ContainerCreating");
    await lab.inPod(pod, "touch", `${agent.records.folder(pod.metadata?.uid ?? "")}/volumes/shared/go`);
    await agent.running(pod);
    assert.deepEqual(storyOf(agent, pod), ["hook", "hook-done"]);
  });

  it("has its container killed where it fails, and an event says so", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("failing-hook", {
      restartPolicy: "Never",
      containers: [hooked(idle, { postStart: told("echo no; exit 3") })],
    });
    agent.set(pod);
    await until(() => agent.status(pod)?.phase === "Failed", "Failed");
    const events = eventsOf(agent, pod);
    assert.ok(
      events.includes('FailedPostStartHook PostStartHook failed: command "sh -c echo no; exit 3" exited with 3: no'),
      events.join("\n"),
    );
    assert.ok(events.includes("Killing FailedPostStartHook"));
    assert.equal(statusOf(agent, pod, "main").state?.terminated?.exitCode, 143);
  });

  it("runs once, though the agent starts again", async () => {
    await using lab = await openPodLab();
    const pod = storyPod("once", { containers: [hooked(idle, { postStart: told("echo hook >>/shared/story") })] });
    for (let round = 0; round < 2; round++) {
      const agent = lab.startAgent();
      agent.set(pod);
      await agent.running(pod);
      assert.deepEqual(storyOf(agent, pod), ["hook"]);
      agent.abandon();
    }
  });
});

describe("a container's preStop hook", () => {
  before(requireSandbox);

  const ways: readonly (readonly [sentence: string, preStop: object])[] = [
    ["a command", told("echo stop >>/shared/story; sleep 0.2; echo stop-done >>/shared/story")],
    ["a sleep", { sleep: { seconds: 1 } }],
  ];
  for (const [sentence, preStop] of ways) {
    it(`is done before TERM: ${sentence}`, async () => {
      await using lab = await openPodLab();
      await using agent = lab.startAgent();
      const pod = storyPod("leaving", { containers: [hooked(polite, { preStop })] });
      agent.set(pod);
      await until(() => storySoFar(agent, pod).includes("up"), "its start");
      const beforeMs = performance.now();
      const story = await storyOfEnd(agent, pod, 30);
      if (sentence === "a sleep") assert.ok(performance.now() - beforeMs >= 1_000);
      else assert.deepEqual(story, ["up", "stop", "stop-done", "term"]);
      assert.equal(lastOf(agent)?.state?.terminated?.exitCode, 0);
      await lab.assertOnly();
    });
  }

  it("shares the grace period with TERM: when it is over, the container gets two seconds and is killed", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(2) });
    const pod = storyPod("overrun", { containers: [hooked(deaf, { preStop: told("sleep 600") })] });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).includes("up"), "its start");
    const beforeMs = performance.now();
    const story = await storyOfEnd(agent, pod, 1);
    const tookMs = performance.now() - beforeMs;
    assert.ok(tookMs >= 1_500 && tookMs < 6_000, `it took ${tookMs} ms`);
    assert.deepEqual(story, ["up", "term"]);
    assert.equal(lastOf(agent)?.state?.terminated?.exitCode, 137);
  });

  it("has no more time than that, whatever it left behind in the container", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(2) });
    const pod = storyPod("leftover", { containers: [hooked(polite, { preStop: told("sleep 600 &") })] });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).includes("up"), "its start");
    assert.deepEqual(await storyOfEnd(agent, pod, 1), ["up", "term"]);
    await lab.assertOnly();
  });

  it("that fails hinders nothing, and an event says so", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const preStop = { httpGet: { port: 9, host: "127.0.0.1" } };
    const pod = storyPod("failing-stop", { containers: [hooked(polite, { preStop })] });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).includes("up"), "its start");
    await storyOfEnd(agent, pod, 30);
    const failure = eventsOf(agent, pod).find((event) => event.startsWith("FailedPreStopHook"));
    assert.match(
      failure ?? "",
      /^FailedPreStopHook PreStopHook failed: Get "http:\/\/127\.0\.0\.1:9\/": dial tcp .* connection refused$/,
    );
    assert.equal(lastOf(agent)?.state?.terminated?.exitCode, 0);
  });

  it("is left out without a grace period", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("forced", { containers: [hooked(deaf, { preStop: told("sleep 600") })] });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).includes("up"), "its start");
    const beforeMs = performance.now();
    await storyOfEnd(agent, pod, 0);
    assert.ok(performance.now() - beforeMs < 5_000);
    await lab.assertOnly();
  });
});

describe("a container's end", () => {
  before(requireSandbox);

  const ends: readonly (readonly [sentence: string, script: string, more: object, want: readonly unknown[]])[] = [
    ["0 is Completed", "exit 0", {}, [0, undefined, "Completed", undefined]],
    ["another code is Error", "exit 3", {}, [3, undefined, "Error", undefined]],
    ["by a signal tells which", "kill -KILL $$$$", {}, [137, 9, "Error", undefined]],
    ["tells its last words", "printf because >/dev/termination-log; exit 1", {}, [1, undefined, "Error", "because"]],
    [
      "tells the last words from where they were asked for",
      "printf because >/tmp/words; exit 0",
      { terminationMessagePath: "/tmp/words" },
      [0, undefined, "Completed", "because"],
    ],
    [
      "falls back to the log where that was asked for",
      "echo out of ideas; exit 1",
      { terminationMessagePolicy: "FallbackToLogsOnError" },
      [1, undefined, "Error", "out of ideas"],
    ],
    [
      "falls back to no log where it ended well",
      "echo fine; exit 0",
      { terminationMessagePolicy: "FallbackToLogsOnError" },
      [0, undefined, "Completed", undefined],
    ],
  ];
  for (const [sentence, script, more, want] of ends) {
    it(sentence, async () => {
      await using lab = await openPodLab();
      await using agent = lab.startAgent();
      const pod = storyPod("ender", { restartPolicy: "Never", containers: [teller("main", script, more)] });
      agent.set(pod);
      await until(() => statusOf(agent, pod, "main").state?.terminated, "its end");
      const { exitCode, signal, reason, message } = statusOf(agent, pod, "main").state?.terminated ?? {};
      assert.deepEqual([exitCode, signal, reason, message], want);
    });
  }

  it("of last words keeps 4096 bytes", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const script = "head -c 10000 /dev/zero | tr '\\0' x >/dev/termination-log; exit 1";
    const pod = storyPod("talker", { restartPolicy: "Never", containers: [teller("main", script)] });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").state?.terminated, "its end");
    assert.equal(statusOf(agent, pod, "main").state?.terminated?.message, "x".repeat(4096));
  });

  it("by deletion is told, and its pod is not ready any more", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("ready-to-the-end", { containers: [teller("main", polite)] });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).includes("up"), "its start");
    await agent.running(pod);
    await storyOfEnd(agent, pod, 30);
    const ends = agent.history.filter(
      ({ status, gone }) => !gone && status?.containerStatuses[0]?.state?.terminated !== undefined,
    );
    const ready = ends[0]?.status?.conditions.find(({ type }) => type === "Ready");
    assert.equal(ready?.status, "False");
    assert.deepEqual(
      eventsOf(agent, pod).filter((event) => event.startsWith("Killing")),
      ["Killing Stopping container main"],
    );
  });
});

/** Asks the pod to end and answers its story, which goes with it. */
async function storyOfEnd(agent: AgentOfPods, pod: Pod, graceSeconds: number): Promise<string[]> {
  let story: string[] = [];
  agent.set(deleted(pod, graceSeconds));
  await until(() => {
    const now = storySoFar(agent, pod);
    if (now.length > story.length) story = now;
    return agent.reports.get(pod.metadata?.uid ?? "")?.gone;
  }, "the pod to be gone");
  return story;
}

function lastOf(agent: AgentOfPods) {
  return agent.history.findLast(({ gone }) => !gone)?.status?.containerStatuses[0];
}
