import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { descendantsOf } from "#kernel/processes.ts";
import { linuxUsage, type Usage } from "#kernel/usage.ts";
import { until } from "../support/until.ts";
import { type ContainerLab, execIn, openContainerLab, processesLike, type TestContainer } from "./container-lab.ts";

const mib = 2 ** 20;
const burn = "while :; do :; done";
/** Of one who burns as much as it gets for two tenths of a second of its own processor time. */
const burnABit = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";

/** The kernel's own account, in nanoseconds, of a process with one thread. */
function scheduledSeconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e9;
}

function usageOf({ stateDir, init }: TestContainer): Usage {
  const usage = linuxUsage.containers([{ stateDir, init: init() }]).get(stateDir);
  assert.ok(usage !== undefined, "the container runs");
  return usage;
}

describe("what a container uses", () => {
  let lab: ContainerLab;
  beforeEach(() => {
    lab = openContainerLab();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  it("is about a core where it burns one, and nothing where it waits", async () => {
    const busy = await lab.start(["sh", "-c", burn]);
    const idle = await lab.startIdle();
    const [burner = 0] = descendantsOf(busy.init().pid);
    const read = () => ({
      atMs: performance.now(),
      busy: usageOf(busy).cpuSeconds,
      idle: usageOf(idle).cpuSeconds,
      scheduled: scheduledSeconds(burner),
    });
    const before = read();
    await until(() => performance.now() - before.atMs > 2_000, "two seconds");
    const after = read();
    const coresOf = (what: "busy" | "idle" | "scheduled") => (after[what] - before[what]) / ((after.atMs - before.atMs) / 1_000);
    // Others have work for the machine's processors, too: the scheduler knows how much of a core the burner got.
    assert.ok(coresOf("busy") > 0.05 && coresOf("busy") < 1.1, `${coresOf("busy")} cores`);
    assert.ok(Math.abs(coresOf("busy") - coresOf("scheduled")) < 0.1, `${coresOf("scheduled")} cores in truth`);
    assert.ok(coresOf("idle") < 0.05, `${coresOf("idle")} cores of one who sleeps`);
  });

  it("is the memory that it holds", async () => {
    const before = usageOf(await lab.startIdle()).workingSetBytes;
    assert.ok(before > 0.1 * mib && before < 20 * mib, `${before} bytes`);
    // tail keeps a line until it ends.
    const holder = await lab.start(["sh", "-c", `{ head -c ${50 * mib} /dev/zero; sleep 1000; } | tail -n 1`]);
    await until(() => usageOf(holder).workingSetBytes >= 50 * mib, "50 MiB");
    assert.ok(usageOf(holder).workingSetBytes < 150 * mib);
  });

  it("keeps the time of processes that have ended", async () => {
    const container = await lab.start(["sh", "-c", `sh -c '${burnABit}'; echo over; sleep 1000`]);
    let last = 0;
    await until(() => {
      const { cpuSeconds } = usageOf(container);
      assert.ok(cpuSeconds >= last, `${cpuSeconds} s after ${last} s`);
      last = cpuSeconds;
      return container.log().includes("over");
    }, "the end of the child");
    assert.ok(usageOf(container).cpuSeconds >= 0.05, `${usageOf(container).cpuSeconds} s`);
  });

  it("has what others run in it, while it runs", async () => {
    const container = await lab.startIdle();
    const before = usageOf(container).cpuSeconds;
    const exec = execIn(container, ["sh", "-c", `${burnABit}; read -r _`], "");
    const most = { cpuSeconds: before };
    await until(() => {
      most.cpuSeconds = Math.max(most.cpuSeconds, usageOf(container).cpuSeconds);
      return most.cpuSeconds >= before + 0.05;
    }, "the exec's time");
    await exec;
  });

  it("is what its cgroup counts, and the rest is what its processes use", async () => {
    const container = await lab.startIdle();
    // Which controllers a machine lets us have, a test can't choose.
    const cgroup = join(lab.folder, "cgroup");
    mkdirSync(cgroup);
    writeFileSync(join(cgroup, "cpu.stat"), "usage_usec 7000000\n");
    writeFileSync(join(container.stateDir, "cgroups"), JSON.stringify([cgroup]));
    const { cpuSeconds, workingSetBytes } = usageOf(container);
    assert.deepEqual([cpuSeconds, workingSetBytes > 4_096], [7, true]);
    writeFileSync(join(cgroup, "memory.current"), "4096\n");
    assert.deepEqual(usageOf(container), { cpuSeconds: 7, workingSetBytes: 4_096 });
    rmSync(join(container.stateDir, "cgroups"));
  });

  it("is each container's own, and nobody's after its end", async () => {
    const [one, other] = [await lab.startIdle(), await lab.start(["sh", "-c", burn])];
    const running = [one, other].map((container) => ({ stateDir: container.stateDir, init: container.init() }));
    assert.deepEqual([...linuxUsage.containers(running).keys()], [one.stateDir, other.stateDir]);
    process.kill(other.init().pid, "SIGKILL");
    await until(() => processesLike(running[1]?.init.pid ?? 0).length === 0, "its end");
    assert.deepEqual([...linuxUsage.containers(running).keys()], [one.stateDir]);
  });
});

describe("what an agent uses itself", () => {
  it("grows with what it does", () => {
    const { cpuSeconds, workingSetBytes } = linuxUsage.self();
    assert.ok(workingSetBytes > 20 * mib);
    while (linuxUsage.self().cpuSeconds < cpuSeconds + 0.02);
  });
});
