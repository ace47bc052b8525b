import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "#core/errors.ts";
import { type Containers, linuxContainers } from "#kernel/containers.ts";
import { ConfigMap } from "#proto/podwire/v1/resources.ts";
import type { ConfigSources } from "../../node-agent/pods/config-sources.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { deleted, fastClock, makePod, openPodLab } from "./pod-lab.ts";
import { eventsOf, statusOf, storyPod, teller } from "./pod-story.ts";

const idle = ["sleep", "infinity"];
const container = (more: object) => ({ name: "main", image: "any", command: idle, ...more });

function withConfigMap(name: string, data: Record<string, string>): ConfigSources {
  const object = ConfigMap.fromJSON({ metadata: { name, namespace: "default" }, data });
  return { configMaps: new Map([[`default/${name}`, object]]), secrets: new Map() };
}

describe("a container that can't be started yet", () => {
  before(requireSandbox);

  it("waits with CreateContainerConfigError for a ConfigMap of its environment, and starts when that is there", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("waiter", [], { containers: [container({ envFrom: [{ configMapRef: { name: "settings" } }] })] });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").state?.waiting?.reason === "CreateContainerConfigError", "the reason");
    assert.equal(statusOf(agent, pod, "main").state?.waiting?.message, 'configmap "settings" not found');
    assert.ok(eventsOf(agent, pod).includes('Failed Error: configmap "settings" not found'));
    assert.equal(agent.status(pod)?.phase, "Pending");
    agent.setSources(withConfigMap("settings", { COLOR: "blue" }));
    await agent.running(pod);
    assert.equal(statusOf(agent, pod, "main").restartCount, 0);
  });

  it("waits as ContainerCreating for a ConfigMap of a volume, and an event names the volume", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("mounter", [], {
      containers: [container({ volumeMounts: [{ name: "config", mountPath: "/config" }] })],
      spec: { volumes: [{ name: "config", configMap: { name: "settings" } }] },
    });
    agent.set(pod);
    const told = 'FailedMount MountVolume.SetUp failed for volume "config" : configmap "settings" not found';
    await until(() => eventsOf(agent, pod).includes(told), "the event");
    assert.equal(statusOf(agent, pod, "main").state?.waiting?.reason, "ContainerCreating");
    agent.setSources(withConfigMap("settings", { color: "blue" }));
    await agent.running(pod);
    agent.set(deleted(pod, 0));
    await agent.gone(pod);
    await lab.assertOnly();
  });

  it("is told of as ErrImagePull and then ImagePullBackOff where there is no such image", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(20) });
    const pod = makePod("puller", [], { containers: [{ name: "main", image: "nginx" }] });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").state?.waiting?.reason === "ImagePullBackOff", "ImagePullBackOff");
    await until(() => eventsOf(agent, pod).filter((event) => event === "Failed Error: ErrImagePull").length === 2, "another try");
    const events = eventsOf(agent, pod);
    assert.match(events[0] ?? "", /^Failed Failed to pull image "nginx": .*Podwire pulls no images/);
    assert.deepEqual(events.slice(1, 4), [
      "Failed Error: ErrImagePull",
      'BackOff Back-off pulling image "nginx"',
      "Failed Error: ImagePullBackOff",
    ]);
    agent.set(deleted(pod, 30));
    await agent.gone(pod);
    await lab.assertOnly();
  });

  const shortages: readonly (readonly [sentence: string, error: string, cause: RegExp])[] = [
    ["processes", "nsenter: spawn nsenter EAGAIN", /^too many processes or threads .*EAGAIN/],
    ["open files", "EMFILE: too many open files, open '/x'", /^too many open files in the node agent .*EMFILE/],
    ["memory", "nsenter: spawn nsenter ENOMEM", /^not enough memory: .*ENOMEM/],
  ];
  for (const [sentence, error, cause] of shortages) {
    it(`says that it is for want of ${sentence}, and starts once there are some`, async () => {
      await using lab = await openPodLab();
      let tries = 0;
      const containers: Containers = {
        ...linuxContainers,
        async start(spec, signal) {
          tries += 1;
          if (tries <= 2) throw new AppError("internal", error);
          return linuxContainers.start(spec, signal);
        },
      };
      await using agent = lab.startAgent({ containers, clock: fastClock(10) });
      const pod = makePod("starved", idle);
      agent.set(pod);
      await until(() => statusOf(agent, pod, "main").state?.waiting?.reason === "RunContainerError", "the reason");
      assert.match(statusOf(agent, pod, "main").state?.waiting?.message ?? "", cause);
      assert.ok(eventsOf(agent, pod).some((event) => cause.test(event.replace("Failed Error: ", ""))));
      await agent.running(pod);
      assert.equal(statusOf(agent, pod, "main").restartCount, 0);
      const folder = join(agent.records.folder(pod.metadata?.uid ?? ""), "containers/main");
      assert.deepEqual(
        readdirSync(folder).filter((name) => /^[0-9]+$/.test(name)),
        ["0"],
      );
    });
  }

  it("says which program there is none of, as StartError, and is tried again later each time", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(50) });
    const pod = makePod("mistyped", ["no-such-program"]);
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").restartCount === 2, "the second restart");
    const { terminated } = statusOf(agent, pod, "main").lastState ?? {};
    assert.deepEqual([terminated?.exitCode, terminated?.reason], [128, "StartError"]);
    const said = 'cannot start: there is no program "no-such-program" in $PATH';
    assert.equal(terminated?.message, said);
    assert.ok(eventsOf(agent, pod).includes(`Failed Error: ${said}`));
    assert.equal(
      eventsOf(agent, pod).some((event) => event.startsWith("Started")),
      false,
    );
  });
});

describe("the events of a pod", () => {
  before(requireSandbox);

  it("tell its story in a kubelet's words", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(20) });
    const pod = storyPod("teller", {
      initContainers: [teller("init", "exit 0")],
      containers: [teller("main", "say run; test $(wc -l </shared/story) -ge 3 && exec sleep infinity")],
    });
    agent.set(pod);
    await until(() => statusOf(agent, pod, "main").restartCount === 2, "the second restart");
    await agent.running(pod);
    agent.set(deleted(pod, 0));
    await agent.gone(pod);
    const pulled = 'Pulled Container image "any" was not pulled: the command runs with the programs of this machine';
    const run = [pulled, "Created Created container: main", "Started Started container main"];
    const { uid = "" } = pod.metadata ?? {};
    assert.deepEqual(eventsOf(agent, pod), [
      ...[pulled, "Created Created container: init", "Started Started container init"],
      ...run,
      ...run,
      `BackOff Back-off restarting failed container main in pod teller_default(${uid})`,
      ...run,
      "Killing Stopping container main",
    ]);
    const paths = [...new Set(agent.events.map(({ fieldPath }) => fieldPath))];
    assert.deepEqual(paths, ["spec.initContainers{init}", "spec.containers{main}"]);
    assert.deepEqual(
      agent.events.filter(({ type }) => type === "Warning").map(({ reason }) => reason),
      ["BackOff"],
    );
  });

  it("say why its network can't be set up, and not each second", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ podCidr: "10.244.1.0/30" });
    const pods = ["one", "two", "three", "four"].map((name) => makePod(name, idle));
    agent.set(...pods);
    const starved = () => pods.find((pod) => agent.status(pod)?.reason === "FailedCreatePodSandBox");
    await until(starved, "a pod without an address");
    const pod = starved() ?? assert.fail();
    const count = () =>
      agent.history.filter(({ uid, status }) => uid === pod.metadata?.uid && status?.reason !== undefined).length;
    await until(() => count() >= 3, "three tries");
    const events = eventsOf(agent, pod);
    assert.equal(events.length, 1);
    assert.match(events[0] ?? "", /^FailedCreatePodSandBox Failed to create pod sandbox: no pod address is free/);
  });
});

describe("a container whose image changes", () => {
  before(requireSandbox);

  it("ends with its grace period and runs again as the new one, whatever the restart policy", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = (image: string) => ({
      name: "main",
      image,
      command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.02; done"],
    });
    const before = makePod("changing", [], {
      containers: [pod("one"), { ...container({}), name: "other" }],
      spec: { restartPolicy: "Never" },
    });
    agent.set(before);
    await agent.running(before);
    const other = agent.initOf(before, "other");
    const [, ...others] = before.spec?.containers ?? [];
    const [main] = makePod("changing", [], { containers: [pod("two")] }).spec?.containers ?? [];
    assert.ok(before.spec !== undefined && main !== undefined);
    const after = { ...before, spec: { ...before.spec, containers: [main, ...others] } };
    agent.set(after);
    await until(() => statusOf(agent, after, "main").restartCount === 1, "the restart");
    await agent.running(after);
    assert.equal(statusOf(agent, after, "main").image, "two");
    assert.ok(eventsOf(agent, after).includes("Killing Container main definition changed, will be restarted"));
    assert.equal(agent.initOf(after, "other"), other);
  });

  it("runs again, once, also where it changed while no agent was there", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const named = (image: string) => ({ name: "main", image, command: idle });
    const before = makePod("changing", [], { containers: [named("one")], spec: { terminationGracePeriodSeconds: 0 } });
    first.set(before);
    await first.running(before);
    first.abandon();
    const containers = makePod("changing", [], { containers: [named("two")] }).spec?.containers ?? [];
    assert.ok(before.spec !== undefined);
    const after = { ...before, spec: { ...before.spec, containers } };
    for (let round = 0; round < 2; round++) {
      const next = lab.startAgent();
      next.set(after);
      await until(() => statusOf(next, after, "main").restartCount === 1, "the restart");
      await next.running(after);
      assert.equal(next.events.filter(({ reason }) => reason === "Killing").length, round === 0 ? 1 : 0);
      next.abandon();
    }
  });
});
