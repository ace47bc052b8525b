/* However a cluster dies, nothing of it stays, and the next command works. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import { createRng, type Rng } from "#core/rng.ts";
import { isAlive, type ProcessId } from "#kernel/processes.ts";
import { type Cluster, clusterHome, openCluster, sandboxOf } from "../support/cluster.ts";
import { leavingsOf, machineTraces, processesOf, tracesSince } from "../support/leavings.ts";
import { createOrdinaryUser, type OrdinaryUser } from "../support/ordinary-user.ts";
import { serverPod } from "../support/pod-manifests.ts";
import { cleanEnv, runPodwire, startPodwire } from "../support/podwire.ts";
import { typePodwire } from "../support/typed-podwire.ts";
import { until } from "../support/until.ts";

const name = "t-death";
/** Of the hundred random deaths. */
const seed = 20_261_126;

describe("the death of a cluster", function () {
  this.timeout(180_000);
  let user: OrdinaryUser;
  let home: string;
  let env: Record<string, string>;
  let clean: readonly string[];

  const podwire = (...args: readonly string[]) => runPodwire(args, { env });
  const upOnce = async (...flags: readonly string[]): Promise<Cluster> => {
    const { code, stderr } = await podwire("up", "--detach", "--name", name, "--nodes", "1", ...flags);
    assert.equal(code, 0, stderr);
    return openCluster({ name, env, folder: home });
  };
  const dead = async () => {
    await until(() => processesOf(home).length === 0, `an end of ${leavingsOf(name, home).join("\n")}`, 5_000);
    await until(() => tracesSince(clean).length === 0, `an end of ${tracesSince(clean).join("\n")}`, 5_000);
  };
  /** The next command sweeps what nobody was left to sweep, and after that all is as before. */
  const nothingStays = async () => {
    await dead();
    await podwire("clusters");
    assert.deepEqual(leavingsOf(name, home), []);
    await upOnce();
    assert.equal((await podwire("down")).stdout, `cluster "${name}" is down\n`);
    await dead();
    assert.deepEqual(leavingsOf(name, home), []);
  };

  before(() => {
    user = createOrdinaryUser(23_456);
  });
  after(() => user[Symbol.dispose]());

  beforeEach(() => {
    home = clusterHome();
    env = cleanEnv({ XDG_RUNTIME_DIR: home });
    clean = machineTraces();
  });

  afterEach(async () => {
    kill(processesOf(home));
    await dead();
    rmSync(home, { recursive: true, force: true });
  });

  it("of kill -9 of all processes at once", async () => {
    const cluster = await upOnce();
    await cluster.makePods(serverPod("server"));
    kill(processesOf(home));
    await nothingStays();
  });

  for (const order of [1, 2, 3]) {
    it(`of kill -9 of one process after the other, in the order of seed ${order}`, async () => {
      const cluster = await upOnce();
      await cluster.makePods(serverPod("server"));
      const rng = createRng(order);
      for (let alive = processesOf(home); alive.length > 0; alive = processesOf(home)) {
        kill([alive[Math.floor(rng.next() * alive.length)]]);
        await sleepFor(rng.next() * 50);
      }
      await nothingStays();
    });
  }

  it("of kill -9 of `up --detach` before the nodes are Ready", async () => {
    await using up = startPodwire(["up", "--detach", "--name", name, "--nodes", "3"], { env });
    await until(() => sandboxOf(join(home, "podwire", name)), "a sandbox");
    up.process.kill("SIGKILL");
    await nothingStays();
  });

  it("of kill -9 of `down` in the middle", async () => {
    await upOnce("--nodes", "3");
    await using down = startPodwire(["down"], { env });
    await until(() => !existsSync(join(home, "podwire", name, "state", "cluster.json")), "its beginning");
    down.process.kill("SIGKILL");
    await down.result;
    await podwire("down");
    await nothingStays();
  });

  it("of the terminal", async () => {
    const typed = typePodwire(["up", "--name", name, "--nodes", "1"], { env });
    await typed.shows("Ctrl-C ends the cluster");
    typed[Symbol.dispose]();
    await until(() => leavingsOf(name, home).length === 0, "an end", 5_000);
    await nothingStays();
  });

  it("of the terminal while it comes up", async () => {
    const typed = typePodwire(["up", "--name", name, "--nodes", "2"], { env });
    await until(() => sandboxOf(join(home, "podwire", name)), "a sandbox");
    typed[Symbol.dispose]();
    await until(() => leavingsOf(name, home).length === 0, "an end", 5_000);
    await nothingStays();
  });

  describe("on a full disk", () => {
    const fill = () => {
      try {
        writeFileSync(join(home, "fill"), Buffer.alloc(8 * 1024 * 1024));
      } catch {
        // That was the room that there was.
      }
    };
    const room = (options: string) => {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${options}`, "tmpfs", home]);
      clean = machineTraces();
    };
    const noRoom = () => {
      execFileSync("umount", ["--lazy", home]);
      clean = machineTraces();
    };
    afterEach(async () => {
      kill(processesOf(home));
      await dead();
      noRoom();
    });

    it("is no birth: what has no room is refused", async () => {
      for (const [options, says] of [
        ["1m", /the disk of .* has 10[0-9][0-9] KiB of room left, less than the 4096 KiB that a cluster needs/],
        ["10m,nr_inodes=50", /has room for 4[0-9] files/],
      ] as const) {
        room(options);
        const { code, stderr } = await podwire("up", "--detach", "--name", name);
        const left = leavingsOf(name, home);
        noRoom();
        assert.equal(code, 1);
        assert.match(stderr, says);
        assert.deepEqual(left, []);
      }
      room("8m");
      await nothingStays();
    });

    it("comes with its reason while it is born", async () => {
      room("8m");
      await using up = startPodwire(["up", "--detach", "--name", name, "--nodes", "2"], { env });
      await until(() => sandboxOf(join(home, "podwire", name)), "a sandbox");
      fill();
      const { code, stderr } = await up.result;
      assert.equal(code, 1);
      assert.match(stderr, /error: the disk of .*t-death has .* of room left/);
      rmSync(join(home, "fill"));
      await nothingStays();
    });

    it("comes by `down`, as ever", async () => {
      room("8m");
      await upOnce();
      fill();
      assert.equal((await podwire("down")).stdout, `cluster "${name}" is down\n`);
      rmSync(join(home, "fill"));
      await nothingStays();
    });
  });

  it("is none where the machine sleeps longer than any timeout", async () => {
    const cluster = await upOnce("--nodes", "2");
    // Nobody waits for a node of these.
    const spec = { tolerations: [{ operator: "Exists", effect: "NoExecute", tolerationSeconds: 0 }] };
    const pods = await cluster.makePods(
      serverPod("server", { node: "node-1", spec }),
      serverPod("client", { node: "node-2", spec }),
    );
    const all = processesOf(home);
    for (const { pid } of all) process.kill(pid, "SIGSTOP");
    // What is tested is the time itself.
    await sleepFor(4_500);
    for (const { pid } of all) process.kill(pid, "SIGCONT");
    const request = ["curl", "-s", "-m", "5", `http://${pods[0]?.status?.podIP}:8080/`];
    assert.match(await cluster.run("exec", "client", "--", ...request), /^Hello from server/);
    assert.match(await cluster.run("get", "nodes"), /node-1 +Ready.*\n.*node-2 +Ready/);
    assert.doesNotMatch(await cluster.run("events", "-A"), /NodeNotReady|TaintManagerEviction/);
    assert.deepEqual(
      await Promise.all(["server", "client"].map(async (pod) => (await cluster.pod(pod)).status?.containerStatuses)),
      pods.map(({ status }) => status?.containerStatuses),
    );
    assert.equal((await podwire("down")).code, 0);
    await nothingStays();
  });

  it(`of kill -9 of anything at any moment of up and down, a hundred times, of root and of another user (seed ${seed})`, async () => {
    const rng = createRng(seed);
    const runs = Array.from({ length: 100 }, (_, number) => ({ number, ...misfortune(rng) }));
    const worker = async (owner: OrdinaryUser | undefined) => {
      const folder = clusterHome(owner);
      const own = { env: cleanEnv({ XDG_RUNTIME_DIR: folder, HOME: owner?.home ?? "/root" }), user: owner };
      try {
        for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
          await suffer(run, folder, own).catch((error) => {
            runs.length = 0;
            throw new Error(`run ${run?.number} of seed ${seed}, ${JSON.stringify(run)}, failed`, { cause: error });
          });
        }
      } finally {
        kill(processesOf(folder));
        rmSync(folder, { recursive: true, force: true });
      }
    };
    // Nobody may leave while another still has a cluster.
    const ends = await Promise.allSettled([undefined, user, undefined, user].map(worker));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    await dead();
  });
});

interface Misfortune {
  readonly during: "up" | "up --detach" | "down";
  readonly afterMs: number;
  /** Which share of the processes, in which order. */
  readonly share: number;
  readonly order: number;
}

function misfortune(rng: Rng): Misfortune {
  const during = (["up", "up --detach", "down"] as const)[Math.floor(rng.next() * 3)] ?? "up";
  const longestMs = during === "down" ? 150 : 900;
  return { during, afterMs: Math.floor(rng.next() * longestMs), share: rng.next(), order: Math.floor(rng.next() * 1e9) };
}

type Owner = Parameters<typeof runPodwire>[1];

async function suffer({ during, afterMs, share, order }: Misfortune, folder: string, own: Owner): Promise<void> {
  const up = ["up", "--name", name, "--nodes", "1"];
  if (during === "down") assert.equal((await runPodwire([...up, "--detach"], own)).code, 0);
  const verb = during === "down" ? ["down", "--name", name] : during === "up" ? up : [...up, "--detach"];
  await using command = startPodwire(verb, own);
  // What is tested is the moment itself.
  await sleepFor(afterMs);
  const rng = createRng(order);
  const victims = processesOf(folder)
    .map((id) => ({ id, place: rng.next() }))
    .sort((a, b) => a.place - b.place);
  kill(victims.slice(0, Math.ceil(victims.length * share)).map(({ id }) => id));
  if (during === "up") command.process.kill("SIGINT");
  await command.result;
  // The next `up` works too, where no cluster is up that outlived its command.
  const isUp = () => sandboxOf(join(folder, "podwire", name)) !== undefined;
  if (rng.next() < 0.1 && !isUp()) {
    const next = await runPodwire([...up, "--detach"], own);
    assert.ok(next.code === 0 || isUp(), next.stderr);
  }
  const next = await runPodwire(["down", "--name", name], own);
  assert.equal(next.code, 0, next.stderr);
  await until(() => leavingsOf(name, folder).length === 0, `an end of ${leavingsOf(name, folder).join("\n")}`, 5_000);
}

function kill(victims: readonly (ProcessId | undefined)[]): void {
  for (const id of victims) {
    try {
      if (id !== undefined && isAlive(id)) process.kill(id.pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
}
