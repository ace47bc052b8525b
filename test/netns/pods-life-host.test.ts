/* What a pod goes through when its host shuts down, or loses its power, and boots again. */

import assert from "node:assert/strict";
import { linuxContainers } from "#kernel/containers.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { type AgentOfPods, deleted, openPodLab, type PodLab } from "./pod-lab.ts";
import { statusOf, storyOf, storyPod, storySoFar, teller } from "./pod-story.ts";

const lasting = (name: string) => `trap "say -${name}; exit 0" TERM; say +${name}; while :; do sleep 0.02; done`;
const deaf = (name: string) => `trap "" TERM; say +${name}; while :; do sleep 0.02; done`;
const never = new AbortController().signal;

/** What a host's end without warning leaves: the disk. */
async function losePower(lab: PodLab, agent: AgentOfPods, pod: Pod): Promise<void> {
  const { netns, device } = lab.link(pod);
  agent.abandon();
  const { name = "", namespace = "" } = pod.metadata ?? {};
  for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    const { stateDir } = agent.pods.find(namespace, name, container.name ?? "");
    linuxContainers.kill(stateDir);
    await linuxContainers.exited(stateDir, AbortSignal.timeout(5_000));
  }
  await lab.host.ip(`link del ${device}`, `netns del ${netns}`);
}

describe("a pod whose host loses its power", () => {
  before(requireSandbox);

  it("runs anew at each boot, its init containers first, with no back-off; what had succeeded stays so", async () => {
    await using lab = await openPodLab();
    const pod = storyPod("again", {
      restartPolicy: "OnFailure",
      initContainers: [
        teller("init", "say init"),
        teller("side", lasting("side"), { restartPolicy: "Always" }),
        teller("late", "say late"),
      ],
      containers: [teller("main", lasting("main")), teller("done", "say done")],
    });
    const perBoot = ["+main", "+side", "init", "late"];
    let address: string | undefined;
    for (let boots = 1; boots <= 4; boots++) {
      const agent = lab.startAgent({ bootId: `boot-${boots}` });
      agent.set(pod);
      await until(() => storySoFar(agent, pod).length === 4 * boots + 1, `the story of boot ${boots}`);
      await until(() => statusOf(agent, pod, "main").state?.running && statusOf(agent, pod, "done").state?.terminated, "both");
      const told = storyOf(agent, pod).filter((word) => word !== "done");
      assert.deepEqual(told.slice(-4).toSorted(), perBoot);
      assert.equal(told.at(-1), "+main");
      address ??= agent.status(pod)?.podIP;
      assert.equal(agent.status(pod)?.podIP, address);
      assert.equal(statusOf(agent, pod, "main").restartCount, boots - 1);
      assert.equal(statusOf(agent, pod, "done").restartCount, 0);
      const reasons = agent.history.flatMap(({ status }) =>
        (status?.containerStatuses ?? []).map(({ state }) => state?.waiting?.reason),
      );
      assert.ok(!reasons.includes("CrashLoopBackOff"));
      await lab.inPod(pod, "ping", "-c1", "-W2", "192.168.0.1");
      await losePower(lab, agent, pod);
    }
  });

  it("has failed where its policy is Never", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent({ bootId: "boot-1" });
    const pod = storyPod("once", {
      restartPolicy: "Never",
      initContainers: [teller("init", "say init")],
      containers: [teller("main", lasting("main"))],
    });
    first.set(pod);
    await until(() => storySoFar(first, pod).includes("+main"), "the main container");
    await losePower(lab, first, pod);
    await using second = lab.startAgent({ bootId: "boot-2" });
    second.set(pod);
    await until(() => second.status(pod)?.phase === "Failed", "its failure");
    assert.equal(statusOf(second, pod, "main").state?.terminated?.exitCode, 137);
    assert.equal(statusOf(second, pod, "init").state?.terminated?.reason, "Completed");
  });

  it("is only removed where it was deleted meanwhile", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent({ bootId: "boot-1" });
    const pod = storyPod("doomed", { containers: [teller("main", lasting("main"))] });
    first.set(pod);
    await until(() => storySoFar(first, pod).includes("+main"), "the main container");
    await losePower(lab, first, pod);
    await using second = lab.startAgent({ bootId: "boot-2" });
    second.set(deleted(pod, 30));
    await second.gone(pod);
    await lab.assertOnly();
  });
});

describe("a pod whose host shuts down", () => {
  before(requireSandbox);

  it("gets its hook, TERM and its grace period, is never taken for one that failed, and runs anew at the next boot", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent({ bootId: "boot-1" });
    const preStop = { exec: { command: ["sh", "-c", "echo hook >>/shared/story"] } };
    const pod = storyPod("polite", { containers: [teller("main", lasting("main"), { lifecycle: { preStop } })] });
    const rude = storyPod("rude", { containers: [teller("main", deaf("main"))], graceSeconds: 1 });
    first.set(pod, rude);
    for (const each of [pod, rude]) await until(() => storySoFar(first, each).includes("+main"), "the main container");
    await first.pods.shutDown(never);
    assert.deepEqual(storyOf(first, pod), ["+main", "hook", "-main"]);
    assert.equal(statusOf(first, rude, "main").state?.terminated?.exitCode, 137);
    for (const each of [pod, rude]) {
      assert.equal(first.status(each)?.phase, "Running");
      assert.equal(statusOf(first, each, "main").ready, false);
    }
    // What comes now is the next boot's affair.
    const late = storyPod("late", { containers: [teller("main", lasting("main"))] });
    first.set(pod, rude, late);
    assert.equal(first.status(late), undefined);
    first.abandon();

    await using second = lab.startAgent({ bootId: "boot-2" });
    second.set(pod, rude, late);
    await second.running(pod, rude, late);
    assert.deepEqual(storyOf(second, pod), ["+main", "hook", "-main", "+main"]);
    assert.equal(statusOf(second, pod, "main").restartCount, 1);
  });

  it("has failed, or succeeded, for good where its policy says so", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = (name: string, restartPolicy: string) =>
      storyPod(name, { restartPolicy, containers: [teller("main", lasting("main"))] });
    const [ended, failed] = [pod("ended", "OnFailure"), pod("failed", "Never")];
    const cut = storyPod("cut", { restartPolicy: "Never", containers: [teller("main", deaf("main"))], graceSeconds: 0 });
    agent.set(ended, failed, cut);
    for (const each of [ended, failed, cut]) await until(() => storySoFar(agent, each).includes("+main"), "the main container");
    await agent.pods.shutDown(never);
    assert.deepEqual(
      [ended, failed, cut].map((each) => agent.status(each)?.phase),
      ["Succeeded", "Succeeded", "Failed"],
    );
  });

  it("ends at once when the time is over", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = storyPod("slow", { containers: [teller("main", deaf("main"))], graceSeconds: 300 });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).includes("+main"), "the main container");
    const due = new AbortController();
    const ended = agent.pods.shutDown(due.signal);
    due.abort();
    await ended;
    assert.equal(statusOf(agent, pod, "main").state?.terminated?.exitCode, 137);
  });

  it("is left half made where it was on its way, and made at the next boot", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent({ bootId: "boot-1" });
    const pod = storyPod("young", {
      initContainers: [teller("init", deaf("init"))],
      containers: [teller("main", "say main; sleep 1000")],
      graceSeconds: 0,
    });
    first.set(pod);
    await until(() => storySoFar(first, pod).includes("+init"), "the init container");
    await first.pods.shutDown(never);
    assert.equal(first.status(pod)?.phase, "Pending");
    assert.deepEqual(storyOf(first, pod), ["+init"]);
    first.abandon();
    await using second = lab.startAgent({ bootId: "boot-2" });
    second.set(pod);
    await until(() => storyOf(second, pod).length === 2, "the init container again");
  });
});
