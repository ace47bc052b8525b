/* Pods whose container hangs in its start: at a named pipe that nobody reads, as it would at a stale file system. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Containers, linuxContainers } from "#kernel/containers.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { deleted, makePod, openPodLab } from "./pod-lab.ts";
import { eventsOf } from "./pod-story.ts";

const stuck: Containers = {
  ...linuxContainers,
  start(spec, waiting) {
    mkdirSync(spec.stateDir, { recursive: true });
    execFileSync("mkfifo", [join(spec.stateDir, "protected")]);
    return linuxContainers.start(spec, waiting);
  },
};

describe("a pod whose container hangs in its start", () => {
  before(requireSandbox);

  for (const graceSeconds of [0, 1]) {
    it(`is gone when its grace period of ${graceSeconds} s is over, with all that there was of it`, async () => {
      await using lab = await openPodLab();
      await using agent = lab.startAgent({ containers: stuck });
      const pod = makePod("stuck", ["sleep", "infinity"]);
      agent.set(pod);
      await until(() => eventsOf(agent, pod).some((event) => event.startsWith("Created")), "the start");
      const askedMs = performance.now();
      agent.set(deleted(pod, graceSeconds));
      await agent.gone(pod);
      assert.ok(performance.now() - askedMs >= graceSeconds * 1_000 - 10, "it had its time");
      agent.set();
      await lab.assertOnly();
    });
  }

  it("is gone where another agent comes upon it", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent({ containers: stuck });
    const pod = makePod("stuck", ["sleep", "infinity"]);
    first.set(pod);
    await until(() => eventsOf(first, pod).some((event) => event.startsWith("Created")), "the start");
    first.abandon();
    await using second = lab.startAgent();
    second.set(deleted(pod, 0));
    await second.gone(pod);
    second.set();
    await lab.assertOnly();
  });

  it("runs where another agent comes upon it and nothing keeps the container any more", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent({ containers: stuck });
    const pod = makePod("stuck", ["sleep", "infinity"]);
    first.set(pod);
    await until(() => eventsOf(first, pod).some((event) => event.startsWith("Created")), "the start");
    first.abandon();
    await using second = lab.startAgent();
    second.set(pod);
    await second.running(pod);
    await lab.assertOnly(pod);
  });
});
