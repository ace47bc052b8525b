import assert from "node:assert/strict";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { openPodLab } from "./pod-lab.ts";
import { conditionOf, statusOf, storyOf, storyPod, storySoFar, teller } from "./pod-story.ts";

const graceMs = 20_000;
const polite = (name: string) => `trap "say ${name}-term; exit 0" TERM; say ${name}-up; while :; do sleep 0.02; done`;
const told = (command: string) => ({ exec: { command: ["sh", "-c", command] } });

describe("pods whose node stops", () => {
  before(requireSandbox);

  it("end in order, are not ready meanwhile, and run again under the next agent with what they had", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const preStop = told("echo stop >>/shared/story");
    const pod = storyPod("resting", {
      initContainers: [teller("side", polite("side"), { restartPolicy: "Always" })],
      containers: [teller("main", polite("main"), { lifecycle: { preStop } })],
    });
    first.set(pod);
    await first.running(pod);
    await until(() => storySoFar(first, pod).length === 2, "both to be up");
    const address = first.status(pod)?.podIP;

    await first.pods.rest(graceMs);
    assert.deepEqual(storyOf(first, pod).slice(2), ["stop", "main-term", "side-term"]);
    assert.equal(conditionOf(first, pod, "Ready"), "False ContainersNotReady");
    assert.equal(first.status(pod)?.phase, "Running", "it has not ended for good");
    assert.ok(!first.reports.get(pod.metadata?.uid ?? "")?.gone);
    first.abandon();

    await using second = lab.startAgent();
    second.set(pod);
    await second.running(pod);
    assert.equal(second.status(pod)?.podIP, address);
    assert.equal(statusOf(second, pod, "main").restartCount, 1);
    assert.ok(storyOf(second, pod).length > 5, "the volume has what it had");
  });

  it("are killed when the time is over, however long their own grace period is", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("deaf", {
      graceSeconds: 600,
      containers: [teller("main", 'trap "" TERM; say up; while :; do sleep 0.02; done')],
    });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).includes("up"), "its start");
    const beforeMs = performance.now();
    await agent.pods.rest(500);
    assert.ok(performance.now() - beforeMs < 10_000);
    assert.equal(statusOf(agent, pod, "main").state?.terminated?.exitCode, 137);
  });

  it("that have ended for good stay so", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const pod = storyPod("job", { restartPolicy: "Never", containers: [teller("main", "say done")] });
    first.set(pod);
    await until(() => first.status(pod)?.phase === "Succeeded", "its end");
    await first.pods.rest(graceMs);
    first.abandon();
    await using second = lab.startAgent();
    second.set(pod);
    await until(() => second.status(pod)?.phase === "Succeeded", "its end, told again");
    assert.equal(statusOf(second, pod, "main").restartCount, 0);
  });

  it("are not begun any more", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    await agent.pods.rest(graceMs);
    const pod = storyPod("late", { containers: [teller("main", "say up")] });
    agent.set(pod);
    assert.equal(agent.status(pod), undefined);
    assert.deepEqual(agent.pods.heldUids, []);
  });
});
