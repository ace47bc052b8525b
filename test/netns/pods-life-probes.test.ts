import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { type AgentOfPods, deleted, fastClock, makePod, openPodLab } from "./pod-lab.ts";
import { conditionOf, eventsOf, statusOf, storyOf, storyPod, storySoFar, teller } from "./pod-story.ts";

const idle = "exec sleep infinity";
const asks = (command: string, more: object = {}) => ({ exec: { command: ["sh", "-c", command] }, periodSeconds: 1, ...more });
const server = { name: "main", image: "podwire/toolbox", args: ["http-server"], ports: [{ name: "web", containerPort: 8080 }] };

describe("a readiness probe", () => {
  before(requireSandbox);

  const ways: readonly (readonly [sentence: string, probe: object])[] = [
    ["by HTTP", { httpGet: { path: "/hostname", port: 8080 } }],
    [
      "by HTTP on a named port, with headers",
      { httpGet: { path: "hostname", port: "web", httpHeaders: [{ name: "X-Way", value: "1" }] } },
    ],
    ["by TCP", { tcpSocket: { port: "web" } }],
    ["by a command", { exec: { command: ["sh", "-c", "curl -s http://127.0.0.1:8080/hostname"] } }],
  ];
  for (const [sentence, readinessProbe] of ways) {
    it(`makes its container ready ${sentence} as soon as that answers, long before the period`, async () => {
      await using lab = await openPodLab();
      await using agent = lab.startAgent();
      const pod = makePod("probed", [], { containers: [{ ...server, readinessProbe }] });
      agent.set(pod);
      await until(() => statusOf(agent, pod, "main").state?.running, "running");
      assert.equal(conditionOf(agent, pod, "Ready"), "False ContainersNotReady");
      assert.deepEqual([statusOf(agent, pod, "main").started, statusOf(agent, pod, "main").ready], [true, false]);
      await until(() => statusOf(agent, pod, "main").ready, "ready", 5_000);
      assert.equal(conditionOf(agent, pod, "Ready"), "True");
    });
  }

  it("asks the node's own address for a pod in the node's network", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const readinessProbe = { tcpSocket: { port: 8080 } };
    const pod = makePod("host", [], { containers: [{ ...server, readinessProbe }], spec: { hostNetwork: true } });
    agent.set(pod);
    await agent.running(pod);
  });

  it("takes the readiness away and gives it back, and never restarts the container", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(20) });
    const readinessProbe = asks("! test -e /shared/no", { failureThreshold: 2 });
    const script = "touch /shared/no; say up; sleep 0.5; rm /shared/no; sleep 0.8; touch /shared/no; exec sleep infinity";
    const pod = storyPod("unsteady", { containers: [teller("main", script, { readinessProbe })] });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").state?.running, "running");
    await until(() => statusOf(agent, pod, "main").ready, "ready");
    await until(() => !statusOf(agent, pod, "main").ready, "not ready");
    assert.deepEqual(
      [agent.status(pod)?.phase, conditionOf(agent, pod, "ContainersReady")],
      ["Running", "False ContainersNotReady"],
    );
    assert.equal(statusOf(agent, pod, "main").restartCount, 0);
    assert.ok(eventsOf(agent, pod).some((event) => event.startsWith("Unhealthy Readiness probe failed")));
  });

  it("waits for its initial delay", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("delayed", ["sleep", "infinity"], {
      containers: [
        { name: "main", image: "any", command: ["sleep", "infinity"], readinessProbe: asks("true", { initialDelaySeconds: 1 }) },
      ],
    });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").state?.running, "running");
    const beforeMs = performance.now();
    await agent.running(pod);
    assert.ok(performance.now() - beforeMs > 800);
  });

  it("fails where the command takes longer than its timeout", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const readinessProbe = asks("sleep 60", { timeoutSeconds: 1 });
    const pod = storyPod("slow", { containers: [teller("main", idle, { readinessProbe })] });
    agent.set(pod);
    const told = 'Unhealthy Readiness probe failed: command "sh -c sleep 60" timed out after 1s';
    await until(() => eventsOf(agent, pod).includes(told), "the timeout");
    assert.equal(statusOf(agent, pod, "main").ready, false);
  });

  it("is remembered by an agent that starts again: the pod never stops being ready", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const readinessProbe = asks("true", { periodSeconds: 60 });
    const startupProbe = asks("true", { periodSeconds: 60 });
    const pod = storyPod("remembered", { containers: [teller("main", idle, { readinessProbe, startupProbe })] });
    first.set(pod);
    await first.running(pod);
    first.abandon();
    await using second = lab.startAgent();
    second.set(pod);
    await second.running(pod);
    const running = second.history.filter(({ status }) => status?.containerStatuses[0]?.state?.running !== undefined);
    assert.ok(running.length > 0 && running.every(({ status }) => status?.containerStatuses[0]?.ready === true));
  });
});

describe("a liveness probe", () => {
  before(requireSandbox);
  const dies =
    'trap "say asked; exit 0" TERM; say up; touch /tmp/alive; sleep 0.5 & wait; rm /tmp/alive; while :; do sleep 0.02; done';

  it("that fails ends its container with the grace period and has it run again", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(10) });
    const livenessProbe = asks("test -e /tmp/alive", { failureThreshold: 2, initialDelaySeconds: 2 });
    const pod = storyPod("dying", { restartPolicy: "OnFailure", containers: [teller("main", dies, { livenessProbe })] });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").restartCount === 1, "the restart");
    assert.deepEqual(storyOf(agent, pod).slice(0, 2), ["up", "asked"]);
    const events = eventsOf(agent, pod);
    assert.ok(events.includes("Killing Container main failed liveness probe, will be restarted"), events.join("\n"));
    assert.equal(events.filter((event) => event.startsWith("Unhealthy Liveness probe failed")).length >= 2, true);
  });

  it("kills after the time of its own, where it has one", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const deaf = `trap "say asked" TERM; say up; while :; do sleep 0.02; done`;
    const livenessProbe = asks("false", { failureThreshold: 1, initialDelaySeconds: 1, terminationGracePeriodSeconds: 1 });
    const pod = storyPod("deaf", {
      graceSeconds: 600,
      restartPolicy: "Never",
      containers: [teller("main", deaf, { livenessProbe })],
    });
    agent.set(pod);
    await until(() => agent.status(pod)?.phase === "Failed", "Failed");
    const { terminated } = statusOf(agent, pod, "main").state ?? {};
    assert.deepEqual([terminated?.exitCode, terminated?.signal], [137, 9]);
    assert.ok(eventsOf(agent, pod).includes("Killing Container main failed liveness probe"));
  });

  it("doesn't disturb the end of a pod", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(20) });
    const slow = 'trap "touch /shared/ending; sleep 0.5; say bye; exit 0" TERM; say up; while :; do sleep 0.02; done';
    const livenessProbe = asks("! test -e /shared/ending", { failureThreshold: 1 });
    const pod = storyPod("leaving", { containers: [teller("main", slow, { livenessProbe })] });
    agent.set(pod);
    await until(() => storySoFar(agent, pod).includes("up"), "its start");
    agent.set(deleted(pod, 600));
    await agent.gone(pod);
    const last = agent.history.findLast(({ gone }) => !gone)?.status?.containerStatuses[0];
    assert.equal(last?.state?.terminated?.exitCode, 0);
    assert.deepEqual(killings(agent), ["Stopping container main"]);
  });
});

describe("a startup probe", () => {
  before(requireSandbox);

  it("holds the other probes back until it succeeds", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(20) });
    const pod = storyPod("starter", {
      containers: [
        teller("main", `sleep 0.6; say up; touch /shared/up; ${idle}`, {
          startupProbe: asks("test -e /shared/up", { failureThreshold: 1_000 }),
          livenessProbe: asks("test -e /shared/up || { echo early >>/shared/story; exit 1; }", { failureThreshold: 1 }),
          readinessProbe: asks("test -e /shared/up || { echo early >>/shared/story; exit 1; }"),
        }),
      ],
    });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").state?.running, "running");
    assert.deepEqual([statusOf(agent, pod, "main").started, statusOf(agent, pod, "main").ready], [false, false]);
    await agent.running(pod);
    assert.deepEqual(storyOf(agent, pod), ["up"]);
    assert.deepEqual([statusOf(agent, pod, "main").started, statusOf(agent, pod, "main").restartCount], [true, 0]);
  });

  it("that fails has its container killed and run again", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(20) });
    const pod = storyPod("never-up", {
      containers: [teller("main", idle, { startupProbe: asks("false", { failureThreshold: 3 }) })],
    });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").restartCount === 1, "the restart");
    assert.ok(eventsOf(agent, pod).includes("Killing Container main failed startup probe, will be restarted"));
  });
});

describe("the probes of a pod that goes", () => {
  before(requireSandbox);

  it("leave nothing behind", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(20) });
    const pod = storyPod("busy", {
      containers: [teller("main", idle, { readinessProbe: asks("true"), livenessProbe: asks("sleep 0.05; true") })],
    });
    agent.set(pod);
    await agent.running(pod);
    const init = agent.initOf(pod);
    agent.set(deleted(pod, 0));
    await agent.gone(pod);
    assert.equal(existsSync(`/proc/${init}`), false);
    await lab.assertOnly();
  });
});

function killings(agent: AgentOfPods): string[] {
  return agent.events.filter(({ reason }) => reason === "Killing").map(({ message }) => message);
}
