/* Starts of containers that hang, for real: at a named pipe that nobody writes to or reads, as they would at a stale file system. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type ContainerSpec, linuxContainers } from "#kernel/containers.ts";
import { netnsPath } from "#kernel/netns.ts";
import { descendantsOf } from "#kernel/processes.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { openContainerLab, processesNamed } from "./container-lab.ts";

describe("a container's start that hangs", () => {
  before(requireSandbox);

  const never = new AbortController().signal;
  const stuckNetns = "stuck.here";

  for (const [where, hang] of [
    ["before its namespaces are made", { netns: stuckNetns }],
    ["while its files are put together", {}],
  ] as const) {
    describe(where, () => {
      let spec: ContainerSpec;
      let lab: ReturnType<typeof openContainerLab>;
      const isStuck = () => linuxContainers.read(spec.stateDir).state === "starting" && stuckAt(spec);
      beforeEach(() => {
        lab = openContainerLab();
        spec = lab.spec(["sleep", "infinity"], hang);
        mkdirSync(spec.stateDir);
        mkdirSync("/run/netns", { recursive: true });
        execFileSync("mkfifo", ["netns" in hang ? netnsPath(stuckNetns) : join(spec.stateDir, "protected")]);
      });
      afterEach(async () => {
        rmSync(netnsPath(stuckNetns), { force: true });
        await lab[Symbol.asyncDispose]();
      });

      it("is given up when it is not wanted any more, and leaves no process", async () => {
        const before = descendantsOf(process.pid);
        const due = new AbortController();
        const starting = linuxContainers.start(spec, { signal: never, givenUp: due.signal });
        await until(isStuck, "the start to hang");
        due.abort();
        await starting;
        const { state } = lab.at(spec);
        assert.deepEqual([state.state, state.state === "exited" && state.code], ["exited", undefined]);
        await until(() => descendantsOf(process.pid).every((pid) => before.includes(pid)), "no process of it");
      });

      it("is killed by whoever did not start it", async () => {
        const starting = linuxContainers.start(spec, { signal: never });
        await until(isStuck, "the start to hang");
        linuxContainers.kill(spec.stateDir);
        await starting;
        assert.equal(lab.at(spec).state.state, "exited");
        assert.deepEqual(processesNamed(spec.stateDir), []);
      });

      it("goes on when its agent does not wait any more", async () => {
        const stopping = new AbortController();
        const starting = linuxContainers.start(spec, { signal: stopping.signal });
        await until(isStuck, "the start to hang");
        stopping.abort();
        await assert.rejects(starting, { name: "AbortError" });
        assert.equal(lab.at(spec).state.state, "starting");
        linuxContainers.kill(spec.stateDir);
      });
    });
  }
});

/** Whether some process of it waits for the other end of a named pipe. */
function stuckAt({ stateDir }: ContainerSpec): boolean {
  return processesNamed(stateDir).some((pid) => {
    try {
      return /wait_for_partner|fifo_open/.test(readFileSync(`/proc/${pid}/wchan`, "utf8"));
    } catch {
      return false;
    }
  });
}
