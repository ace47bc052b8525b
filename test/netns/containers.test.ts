import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { isAppError } from "#core/errors.ts";
import { createRng } from "#core/rng.ts";
import { createCgroups, sweepAbandonedCgroups, sweepCgroups, unkeptLimits } from "#kernel/cgroups.ts";
import { linuxContainers } from "#kernel/containers.ts";
import { parseDevices } from "#kernel/ip.ts";
import { descendantsOf, isAlive } from "#kernel/processes.ts";
import { run } from "#kernel/run.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { containerPath, execIn, openContainerLab, processesLike, processesNamed } from "./container-lab.ts";

const { signal } = new AbortController();

/** An argument that no other process has. */
function uniqueSeconds(): string {
  return String(randomInt(100_000, 999_999));
}

describe("a container", () => {
  before(requireSandbox);
  describe("and its exit code", describeExitCodes);
  describe("that can't start", describeStartErrors);
  describe("and signals", describeSignals);
  describe("that outlives its starter", describeSurvival);
  describe("and what it sees", describeView);
  describe("and its limits", describeLimits);
  describe("and exec", describeExec);
});

function describeExitCodes(): void {
  for (const [argv, code] of [
    [["true"], 0],
    [["sh", "-c", "exit 7"], 7],
    [["sh", "-c", "exit 127"], 127],
    [["sh", "-c", "kill -KILL $$"], 137],
    [["sh", "-c", "kill -TERM $$"], 143],
    [["sh", "-c", "kill -SEGV $$"], 139],
  ] as const) {
    it(`ends with ${code} after ${argv.join(" ")}, and prints nothing of its own`, async () => {
      await using lab = openContainerLab();
      const beforeMs = Date.now();
      const container = await lab.start(argv);
      assert.equal(await container.exitCode(), code);
      assert.equal(container.log(), "");
      const { state } = container;
      assert.ok(state.state === "exited" && state.startedAtMs !== undefined);
      assert.ok(
        state.startedAtMs >= beforeMs - 10 && state.finishedAtMs >= state.startedAtMs && state.finishedAtMs <= Date.now() + 10,
      );
    });
  }

  it("keeps what the command prints, both ways, in one file", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["sh", "-c", "echo out; echo err >&2; echo out again"]);
    await container.exitCode();
    assert.equal(container.log(), "out\nerr\nout again\n");
  });

  it("has the state absent before it starts", async () => {
    await using lab = openContainerLab();
    const spec = lab.spec(["true"]);
    assert.deepEqual(linuxContainers.read(spec.stateDir), { state: "absent" });
    await linuxContainers.exited(spec.stateDir, signal);
    assert.equal(linuxContainers.signal(spec.stateDir, "SIGTERM"), false);
    linuxContainers.kill(spec.stateDir);
  });

  it("has no state where its files can't be read: it may run", async () => {
    await using lab = openContainerLab();
    const stateDir = join(lab.folder, "unreadable");
    mkdirSync(join(stateDir, "exit"), { recursive: true });
    try {
      assert.throws(() => linuxContainers.read(stateDir), { code: "EISDIR" });
    } finally {
      rmSync(stateDir, { recursive: true });
    }
  });

  it("is waited for where the machine has no more watches to give", async () => {
    await using lab = openContainerLab();
    const stateDir = join(lab.folder, "watched");
    mkdirSync(stateDir);
    writeFileSync(join(stateDir, "exit"), "");
    const waiter = join(import.meta.dirname, "wait-for-container.ts");
    const withoutWatches = `echo 0 >/proc/sys/user/max_inotify_instances && exec "$0" "$@"`;
    const inside = ["sh", "-c", withoutWatches, process.execPath, waiter, stateDir];
    const child = spawn("unshare", ["--user", "--map-root-user", "--", ...inside], { stdio: ["ignore", "pipe", "inherit"] });
    const output = text(child.stdout);
    await once(child.stdout, "readable");
    writeFileSync(join(stateDir, "exit"), "started\n7\n");
    assert.equal(await output, "waiting without watches\nexited\n");
  });

  it("runs many at once, each with its own code", async () => {
    await using lab = openContainerLab();
    const codes = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => (await lab.start(["sh", "-c", `exit ${i}`])).exitCode()),
    );
    assert.deepEqual(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it("refuses a folder of an earlier run", async () => {
    await using lab = openContainerLab();
    const spec = lab.spec(["true"]);
    await linuxContainers.start(spec, { signal });
    await assert.rejects(linuxContainers.start(spec, { signal }));
  });

  it("leaves no descriptor open where its start fails", async () => {
    await using lab = openContainerLab();
    const spec = lab.spec(["true"]);
    mkdirSync(spec.stateDir);
    writeFileSync(join(spec.stateDir, "exit"), "");
    await assert.rejects(linuxContainers.start(spec, { signal }), /EEXIST.*exit/);
    const open = readdirSync("/proc/self/fd").filter((fd) => linkOf(fd) === spec.logPath);
    assert.deepEqual(open, []);
  });
}

/** Undefined of the descriptor that listed them. */
function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

function describeStartErrors(): void {
  const cases: readonly (readonly [sentence: string, argv: readonly string[], workingDir: string | undefined, log: RegExp])[] = [
    [
      "because its program is in no folder of PATH",
      ["no-such-program"],
      undefined,
      /there is no program "no-such-program" in \$PATH/,
    ],
    ["because its program's file is missing", ["/no/such/program"], undefined, /there is no program "\/no\/such\/program"/],
    ["because its program's file can't be run", ["/etc/passwd"], undefined, /there is no program "\/etc\/passwd"/],
    ["because its program is a folder", ["/etc"], undefined, /there is no program "\/etc"/],
    ["because it has a shell's word for a program", ["cd", "/"], undefined, /there is no program "cd" in \$PATH/],
    ["because its program's name is empty", [""], undefined, /there is no program ""/],
    [
      "because its working directory is missing",
      ["true"],
      "/no/such/folder",
      /working directory "\/no\/such\/folder" does not exist/,
    ],
  ];
  for (const [sentence, argv, workingDir, log] of cases) {
    it(`says so ${sentence}`, async () => {
      await using lab = openContainerLab();
      const container = await lab.start(argv, workingDir === undefined ? {} : { workingDir });
      const { state } = container;
      assert.ok(state.state === "exited", state.state);
      assert.deepEqual([state.code, state.startedAtMs], [undefined, undefined]);
      assert.match(container.log(), log);
      assert.deepEqual(container.state, state);
    });
  }

  it("says so because its network namespace is missing", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["true"], { netns: "nobody.here" });
    assert.ok(container.state.state === "exited");
    assert.equal(container.state.code, undefined);
    assert.match(container.log(), /nobody\.here/);
    assert.equal(await container.exitCode(), undefined);
  });

  it("starts in its working directory, by a path relative to it", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["./env", "pwd"], { workingDir: "/usr/bin" });
    assert.equal(await container.exitCode(), 0);
    assert.equal(container.log(), "/usr/bin\n");
  });
}

function describeSignals(): void {
  it("gives TERM to the first process, from the first moment on", async () => {
    await using lab = openContainerLab();
    for (let round = 0; round < 10; round++) {
      const container = await lab.start(["sleep", "infinity"]);
      assert.equal(linuxContainers.signal(container.stateDir, "SIGTERM"), true);
      assert.equal(await container.exitCode(), 143);
      assert.equal(linuxContainers.signal(container.stateDir, "SIGTERM"), false);
    }
  });

  it("lets the first process answer TERM in its own way, and gives it to no other", async () => {
    await using lab = openContainerLab();
    const child = "trap 'echo child got it' TERM; echo child; while :; do sleep 0.02; done";
    const container = await lab.start([
      "sh",
      "-c",
      `trap 'echo first got it; exit 5' TERM; sh -c "${child}" & while :; do sleep 0.02; done`,
    ]);
    await until(() => container.log().includes("child"), "the child");
    linuxContainers.signal(container.stateDir, "SIGTERM");
    assert.equal(await container.exitCode(), 5);
    assert.equal(container.log(), "child\nfirst got it\n");
  });

  it("kills every process of it, those that left their parents too", async () => {
    await using lab = openContainerLab();
    const seconds = uniqueSeconds();
    const orphans = `(setsid sleep ${seconds} &) ; setsid sh -c 'trap "" TERM HUP INT; sleep ${seconds}' & sleep ${seconds}`;
    const container = await lab.start(["sh", "-c", `trap "" TERM; ${orphans}; :`]);
    const init = container.init();
    const inside = () => processesLike(init.pid);
    // The script, the first process, its child, and two that have sessions of their own, one of them with a child.
    await until(() => inside().length === 6, "all processes");
    const all = inside();
    const beforeMs = Date.now();
    linuxContainers.kill(container.stateDir);
    assert.equal(await container.exitCode(), 137);
    assert.deepEqual(
      all.filter((pid) => existsSync(`/proc/${pid}`) && processesNamed(seconds).includes(pid)),
      [],
    );
    assert.equal(isAlive(init), false);
    const { state } = container;
    assert.ok(state.state === "exited" && state.finishedAtMs >= beforeMs - 10, "it ended when it was killed, not when it began");
    assert.deepEqual(container.state, state);
  });

  it("ends with what is left of it when its first process ends", async () => {
    await using lab = openContainerLab();
    const seconds = uniqueSeconds();
    const container = await lab.start(["sh", "-c", `setsid sleep ${seconds} & exit 4`]);
    assert.equal(await container.exitCode(), 4);
    await until(() => processesNamed(`sleep ${seconds}`).length === 0, "the end of the orphan");
  });

  it("reaps orphans", async () => {
    await using lab = openContainerLab();
    const container = await lab.start([
      "sh",
      "-c",
      "for i in 1 2 3 4 5; do (sleep 0.01 &) ; done; echo done; exec sleep infinity",
    ]);
    await until(() => container.log() === "done\n", "the orphans to start");
    await until(() => descendantsOf(container.init().pid).length === 1, "the orphans to be gone, with nothing of them left");
  });
}

function describeSurvival(): void {
  it("runs on when its starter is killed at any moment, once or not at all", async function () {
    this.timeout(60_000);
    const seed = Number(process.env.PODWIRE_TEST_SEED ?? randomInt(1_000_000));
    const rng = createRng(seed);
    await using lab = openContainerLab();
    const rounds = 8;
    for (let round = 0; round < rounds; round++) {
      const spec = lab.spec(["sh", "-c", "echo ran; exec sleep infinity"]);
      const container = lab.at(spec);
      const starter = spawn(process.execPath, [join(import.meta.dirname, "start-container.ts"), JSON.stringify(spec)], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const ended = once(starter, "exit");
      await once(starter.stdout, "data");
      // However slow the machine is, the last lives to see its container run.
      if (round < rounds - 1) await sleep(rng.next() * 30);
      else await until(() => container.state.state === "running", `round ${round} to run`);
      starter.kill("SIGKILL");
      await ended;
      // What it started needs a moment to come to rest; a start that never left the starter stays "starting" or absent.
      const rest = await until(
        () => container.state.state === "running" || processesNamed(spec.stateDir).length === 0,
        `round ${round} of seed ${seed} to come to rest`,
      ).then(() => container.state);
      const explained = `round ${round} of seed ${seed}: ${JSON.stringify(rest)}`;
      if (rest.state !== "running") {
        assert.ok(round < rounds - 1 && (rest.state === "absent" || rest.state === "starting"), explained);
        continue;
      }
      await until(() => container.log() === "ran\n", explained);
      linuxContainers.signal(spec.stateDir, "SIGTERM");
      assert.equal(await container.exitCode(), 143, explained);
      assert.equal(container.log(), "ran\n");
    }
  });

  it("tells of an exit that its starter did not live to see", async () => {
    await using lab = openContainerLab();
    const spec = lab.spec(["sh", "-c", "sleep 0.3; exit 9"]);
    const starter = spawn(process.execPath, [join(import.meta.dirname, "start-container.ts"), JSON.stringify(spec)], {
      stdio: "ignore",
    });
    await until(() => lab.at(spec).state.state === "running", "the container to run");
    starter.kill("SIGKILL");
    assert.equal(await lab.at(spec).exitCode(), 9);
  });
}

function describeView(): void {
  it("has its own processes, hostname and addresses' names", async () => {
    await using lab = openContainerLab();
    const script = "echo $$; cat /proc/1/comm; hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf";
    const container = await lab.start(["sh", "-c", script]);
    await container.exitCode();
    const [pid, first, ...rest] = container.log().trimEnd().split("\n");
    assert.ok(Number(pid) > 1 && Number(pid) < 100);
    assert.equal(first, "sh");
    assert.deepEqual(rest, [
      "inside",
      "inside",
      "127.0.0.1\tlocalhost",
      "10.244.1.2\tinside",
      "search shop.svc.cluster.local",
      "options ndots:5",
    ]);
    assert.notEqual(hostname(), "inside");
  });

  it("sees nothing of the folder that is hidden from it, wherever that lies, even where its own state is in it", async () => {
    await using lab = openContainerLab();
    const hidden = mkdtempSync("/srv/podwire-hidden-");
    try {
      writeFileSync(join(hidden, "join-token"), "secret");
      const more = { hidden, stateDir: join(hidden, "state"), logPath: join(hidden, "log") };
      const container = await lab.start(
        ["sh", "-c", `ls -A ${hidden}; cat ${hidden}/join-token; touch ${hidden}/x; exit 7`],
        more,
      );
      assert.equal(await container.exitCode(), 7);
      const log = container.log();
      assert.ok(!log.includes("secret"), log);
      assert.match(log, /join-token: No such file or directory/);
      assert.match(log, /touch: .*Read-only file system/);
    } finally {
      rmSync(hidden, { recursive: true });
    }
  });

  it("sees none of the host's private files, and leaves none", async () => {
    await using lab = openContainerLab();
    const secret = `podwire-secret-${randomBytes(4).toString("hex")}`;
    const folders = ["/root", "/home", "/tmp", "/var/tmp", "/var/log", "/run", "/dev/shm"];
    for (const folder of folders) writeFileSync(join(folder, secret), "");
    try {
      const container = await lab.start([
        "sh",
        "-c",
        `find ${folders.join(" ")} | sort; for f in ${folders.join(" ")}; do echo x >$f/left-${secret}; done`,
      ]);
      assert.equal(await container.exitCode(), 0);
      const inRun = (path: string) => /^\/run\/(podwire(\/.*)?|lock)$/.test(path);
      assert.deepEqual(
        container
          .log()
          .trimEnd()
          .split("\n")
          .filter((path) => !inRun(path)),
        folders.toSorted(),
      );
      for (const folder of folders)
        assert.deepEqual(
          readdirSync(folder).filter((name) => name.startsWith(`left-${secret}`)),
          [],
        );
    } finally {
      for (const folder of folders) rmSync(join(folder, secret), { force: true });
    }
  });

  it("can change no file of the host, on whatever file system", async () => {
    await using lab = openContainerLab();
    const folder = `/srv/podwire 7 \\ %s\ttest ${randomBytes(4).toString("hex")}`;
    mkdirSync(folder);
    await run(["mount", "-t", "tmpfs", "tmpfs", folder], { signal });
    try {
      const targets = ["/", "/etc/", "/usr/", `${folder}/`, "/sys/kernel/", "/proc/sys/kernel/", "/run/podwire/toolbox/"];
      const attempts = targets.map((target) => `touch '${target}podwire-left' 2>/dev/null && echo '${target}'`).join("; ");
      const others = ["/run/podwire/node", "/proc/sys/kernel/sysrq", "/proc/irq/default_smp_affinity"];
      const writable = others.map((path) => `[ -w ${path} ] && echo ${path}`).join("; ");
      const container = await lab.start(["sh", "-c", `${attempts}; ${writable}; echo done`]);
      await container.exitCode();
      assert.deepEqual(
        container
          .log()
          .split("\n")
          .filter((line) => !line.startsWith("sh:")),
        ["done", ""],
      );
      assert.deepEqual(readdirSync(folder), []);
    } finally {
      // umount, with the one program that `run` has for it.
      await run(["nsenter", "--", "umount", folder], { signal });
      rmSync(folder, { recursive: true });
    }
  });

  it("has harmless devices only", async () => {
    await using lab = openContainerLab();
    const container = await lab.start([
      "sh",
      "-c",
      "for f in $(find /dev); do [ ! -b $f ] || echo $f; done; for f in /dev/*; do [ ! -c $f ] || [ -L $f ] || echo $f; done; echo x >/dev/null; head -c 3 /dev/zero | wc -c; mknod /dev/shm/disk b 254 0 2>/dev/null && echo made",
    ]);
    await container.exitCode();
    const devices = ["full", "null", "random", "tty", "urandom", "zero"].map((name) => `/dev/${name}`);
    assert.deepEqual(container.log().trim().split("\n"), [...devices, "3"]);
  });

  it("can use no device that lies elsewhere on the host", async () => {
    await using lab = openContainerLab();
    const folder = mkdtempSync("/srv/podwire-device-");
    try {
      // mknod, with the one program that `run` has for it: a device like /dev/zero.
      await run(["nsenter", "--", "mknod", join(folder, "zero"), "c", "1", "5"], { signal });
      const container = await lab.start(["sh", "-c", `head -c 3 ${folder}/zero | wc -c`]);
      await container.exitCode();
      assert.match(container.log(), /zero.*Permission denied\n0\n/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("has Docker's capabilities and no others, and can't mount", async () => {
    await using lab = openContainerLab();
    const container = await lab.start([
      "sh",
      "-c",
      "grep Cap /proc/self/status; mount -t tmpfs tmpfs /tmp 2>/dev/null && echo mounted",
    ]);
    await container.exitCode();
    const docker = "00000000a00425fb"; // without mknod
    const sets = Object.fromEntries(
      container
        .log()
        .trim()
        .split("\n")
        .map((line) => line.split(":\t")),
    );
    assert.deepEqual([sets.CapBnd, sets.CapEff, sets.CapPrm], [docker, docker, docker]);
    assert.doesNotMatch(container.log(), /mounted/);
  });

  it("inherits no capability of its starter's, nor does an exec", async () => {
    await using lab = openContainerLab();
    const spec = lab.spec(["sh", "-c", "grep Cap /proc/self/status; exec sleep infinity"]);
    const starter = join(import.meta.dirname, "start-container.ts");
    const capable = ["setpriv", "--inh-caps=+sys_admin", "--", process.execPath, starter, JSON.stringify(spec)];
    await run(["nsenter", "--", ...capable], { signal });
    const container = lab.at(spec);
    await until(() => container.log().includes("CapAmb"), "the capabilities");
    const { stdout } = await execIn(container, ["grep", "Cap", "/proc/self/status"]);
    for (const text of [container.log(), stdout]) {
      assert.match(text, /CapInh:\t0{16}\n/);
      assert.match(text, /CapPrm:\t00000000a00425fb\n/);
    }
  });

  it("gets no descriptor of its starter's", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["find", "/proc/self/fd", "-type", "l", "-printf", "%f %l\\n"]);
    await container.exitCode();
    // What the tests' own starter left open comes through everywhere.
    const inherited = readdirSync("/proc/1/fd")
      .filter((name) => Number(name) > 2)
      .map((name) => readlinkSync(`/proc/1/fd/${name}`));
    const links = container
      .log()
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]);
    const others = links.filter(
      ([, target]) => !inherited.includes(target) && target !== "/" && !/^\/proc\/[0-9]+\/fd$/.test(target),
    );
    assert.deepEqual(others, [
      ["0", "/dev/null"],
      ["1", join(container.stateDir, "output")],
      ["2", join(container.stateDir, "output")],
    ]);
  });

  it("has its own environment and nothing else, whatever that names", async () => {
    await using lab = openContainerLab();
    const env = {
      PATH: "/nowhere",
      LD_LIBRARY_PATH: "/nowhere",
      IFS: "e",
      "a.b": "c d",
      EMPTY: "",
      LINES: "one\ntwo",
      "-x": "dash",
    };
    const container = await lab.start(["/usr/bin/env", "-0"], { env });
    assert.equal(await container.exitCode(), 0);
    assert.deepEqual(
      container.log().split("\0").filter(Boolean).toSorted(),
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}`)
        .toSorted(),
    );
  });

  it("finds Podwire's own program", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["toolbox", "nothing"]);
    assert.equal(await container.exitCode(), 2);
    assert.match(container.log(), /no program "nothing"/);
  });

  it("is in the node's own network where it has none of its own", async () => {
    await using lab = openContainerLab();
    const devices = parseDevices(await run(["ip", "-json", "link", "show"], { signal })).toSorted();
    const container = await lab.start(["sh", "-c", "readlink /proc/self/ns/net; cat /etc/hostname; ls /sys/class/net"]);
    assert.equal(await container.exitCode(), 0);
    assert.deepEqual(container.log().trim().split("\n"), [readlinkSync("/proc/self/ns/net"), "inside", ...devices]);
  });

  it("is in the network namespace that it was given, with that one's devices under /sys", async () => {
    await using lab = openContainerLab();
    const netns = `containers.${randomBytes(4).toString("hex")}`;
    await run(["ip", "-batch", "-"], {
      input: `netns add ${netns}\nlink add pwtest type veth peer name eth0 netns ${netns}\n`,
      signal,
    });
    try {
      const container = await lab.start(["ls", "/sys/class/net"], { netns });
      assert.equal(await container.exitCode(), 0);
      assert.deepEqual(container.log().trim().split("\n"), ["eth0", "lo"]);
    } finally {
      await run(["ip", "-batch", "-"], { input: `link del pwtest\nnetns del ${netns}\n`, signal });
    }
  });
}

function describeLimits(): void {
  const foldersOf = ({ stateDir }: { readonly stateDir: string }): string[] =>
    existsSync(join(stateDir, "cgroups")) ? JSON.parse(readFileSync(join(stateDir, "cgroups"), "utf8")) : [];

  it("can start no more processes than it may have, where the machine keeps that", async () => {
    await using lab = openContainerLab();
    const limits = { processes: 20 };
    const script = "i=0; while [ $i -lt 50 ]; do sleep 100 & i=$((i+1)); done; wait";
    const container = await lab.start(["sh", "-c", script], { limits });
    const kept = unkeptLimits(limits).length === 0;
    const { pid } = container.init();
    if (kept) await until(() => container.state.state === "exited", "the shell's complaint");
    else await until(() => processesLike(pid).length > 50, "all processes");
    assert.equal(container.log().includes("Cannot fork"), kept, container.log());
  });

  it("uses no more of the processors than it may, nor does an exec, where the machine keeps that", async () => {
    await using lab = openContainerLab();
    const limits = { cpus: 0.1 };
    const container = await lab.startIdle({ limits });
    const [folder] = foldersOf(container);
    const exec = execIn(container, ["sh", "-c", "while :; do :; done"]);
    if (unkeptLimits(limits).length > 0 || folder === undefined) {
      assert.equal(folder, undefined);
    } else {
      const throttled = () => Number(/^nr_throttled ([0-9]+)$/m.exec(readFileSync(join(folder, "cpu.stat"), "utf8"))?.[1]);
      await until(() => throttled() > 1, "the exec to be held back");
    }
    linuxContainers.kill(container.stateDir);
    await exec;
  });

  it("leaves no cgroup, whether it ended by itself, was killed or never ran", async () => {
    await using lab = openContainerLab();
    const limits = { processes: 20, cpus: 1, memoryBytes: 2 ** 30 };
    const cgroups = new Set<string>();
    const idle = await lab.startIdle({ limits });
    for (const folder of foldersOf(idle)) cgroups.add(folder);
    assert.equal(cgroups.size > 0, unkeptLimits(limits).length < 3);
    linuxContainers.kill(idle.stateDir);
    for (const container of [idle, await lab.start(["true"], { limits }), await lab.start(["no-such-program"], { limits })]) {
      await container.exitCode();
      assert.deepEqual(foldersOf(container), []);
    }
    assert.deepEqual(
      [...cgroups].filter((folder) => existsSync(folder)),
      [],
    );
  });

  it("has what it left swept with its owner, but for what runs", async () => {
    await using lab = openContainerLab();
    const limits = { processes: 20 };
    const hidden = join(lab.folder, "hidden");
    const [left] = createCgroups({ owner: hidden, of: "left", limits });
    const [others] = createCgroups({ owner: "another", of: "left", limits });
    const container = await lab.startIdle({ limits });
    sweepCgroups(hidden);
    const isThere = (folder: string | undefined) => folder !== undefined && existsSync(folder);
    const kept = unkeptLimits(limits).length === 0;
    assert.deepEqual([isThere(left), isThere(others), foldersOf(container).every(isThere)], [false, kept, true]);
    sweepAbandonedCgroups(Date.now());
    assert.equal(isThere(others), kept, "it may be about to be joined");
    sweepCgroups("another");
    assert.equal(isThere(others), false);
  });
}

function describeExec(): void {
  for (const [argv, want] of [
    [["true"], { code: 0, stdout: "", stderr: "" }],
    [["sh", "-c", "echo out; echo err >&2; exit 9"], { code: 9, stdout: "out\n", stderr: "err\n" }],
    [["sh", "-c", "kill -KILL $$"], { code: 137, stdout: "", stderr: "" }],
    [["sh", "-c", "kill -TERM $$"], { code: 143, stdout: "", stderr: "" }],
    [["cat"], { code: 0, stdout: "given", stderr: "" }],
    [["hostname"], { code: 0, stdout: "inside\n", stderr: "" }],
    [["cat", "/proc/1/comm"], { code: 0, stdout: "sh\n", stderr: "" }],
  ] as const) {
    it(`answers ${JSON.stringify(want)} to ${argv.join(" ")}`, async () => {
      await using lab = openContainerLab();
      assert.deepEqual(await execIn(await lab.startIdle(), argv, "given"), want);
    });
  }

  it("says that a program is missing", async () => {
    await using lab = openContainerLab();
    const { code, stderr } = await execIn(await lab.startIdle(), ["no-such-program"]);
    assert.deepEqual([code, /no-such-program.*No such file/.test(stderr)], [127, true], stderr);
  });

  it("has the container's limits, files, working directory and environment", async () => {
    await using lab = openContainerLab();
    const container = await lab.startIdle();
    const script =
      "pwd; echo $A; grep CapEff /proc/self/status; touch /usr/left 2>/dev/null && echo wrote; cat /etc/resolv.conf; ls /root";
    const { stdout } = await execIn(container, ["sh", "-c", script], "", {
      env: { PATH: containerPath, A: "b" },
      workingDir: "/usr",
    });
    assert.deepEqual(stdout.trimEnd().split("\n"), [
      "/usr",
      "b",
      "CapEff:\t00000000a00425fb",
      "search shop.svc.cluster.local",
      "options ndots:5",
    ]);
  });

  it("shows nobody the values of variables in a command line, nor does the container itself", async () => {
    await using lab = openContainerLab();
    const env = { PATH: containerPath, EMPTY: "", TOKEN: "a 'quoted' \"$(secret)\"\nof two lines" };
    const told = async (printed: () => Promise<string>) => assert.equal(await printed(), `${env.TOKEN}\n|`);
    const container = await lab.start(["sh", "-c", 'printenv TOKEN; printf "|$EMPTY"; exec sleep infinity'], { env });
    const exec = linuxContainers.exec(container.stateDir, {
      argv: ["sh", "-c", 'printenv TOKEN; printf "|$EMPTY"; exec cat'],
      env,
    });
    let output = "";
    exec.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    await until(() => output.endsWith("|") && container.log().endsWith("|"), "both to run");
    await told(async () => container.log());
    await told(async () => output);
    assert.notEqual(processesNamed(container.stateDir).length, 0);
    assert.deepEqual(processesNamed("quoted"), []);
    exec.kill();
  });

  it("works whatever PATH the container has", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["/usr/bin/sleep", "infinity"], { env: { PATH: "/nowhere" } });
    const { code, stdout } = await execIn(container, ["/usr/bin/printenv", "PATH"], "", { env: { PATH: "/nowhere" } });
    assert.deepEqual([code, stdout], [0, "/nowhere\n"]);
  });

  it("is refused where the container does not run", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["true"]);
    await container.exitCode();
    assert.throws(
      () => linuxContainers.exec(container.stateDir, { argv: ["true"], env: {} }),
      (error) => isAppError(error, "failed-precondition"),
    );
  });

  it("leaves no process when it is killed, at whatever moment", async () => {
    await using lab = openContainerLab();
    const container = await lab.startIdle();
    const seconds = uniqueSeconds();
    const argv = ["sh", "-c", `trap "" TERM HUP; setsid sleep ${seconds} & sleep ${seconds}; sleep ${seconds}`];
    for (const delayMs of [0, 0, 0, 1, 2, 4, 8, 16, 100]) {
      const exec = linuxContainers.exec(container.stateDir, { argv, env: { PATH: containerPath } });
      if (delayMs > 0) await sleep(delayMs);
      exec.kill();
      assert.equal(await exec.exitCode, 137);
      await until(() => processesNamed(`sleep ${seconds}`).length === 0, `no process ${delayMs} ms after a kill`);
    }
    assert.deepEqual(await execIn(container, ["echo", "alive"]), { code: 0, stdout: "alive\n", stderr: "" });
  });

  it("is over when it is killed, though what it left behind holds its output", async () => {
    await using lab = openContainerLab();
    const container = await lab.startIdle();
    const before = descendantsOf(process.pid).length;
    const exec = linuxContainers.exec(container.stateDir, { argv: ["sh", "-c", "sleep infinity & echo left"] });
    await once(exec.stdout, "data");
    await until(() => descendantsOf(process.pid).length === before + 1, "nothing but what it left behind");
    exec.kill();
    assert.equal(await exec.exitCode, 0);
  });

  it("ends with the agent that it belongs to, while the container runs on", async () => {
    await using lab = openContainerLab();
    const container = await lab.startIdle();
    const seconds = uniqueSeconds();
    const starter = spawn(process.execPath, [join(import.meta.dirname, "start-exec.ts"), container.stateDir, "sleep", seconds], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(starter.stdout, "data");
    // Not the programs on the way to it, which name it too.
    const isCommand = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\0${seconds}\0`;
    await until(() => processesNamed(`sleep ${seconds}`).some(isCommand), "the command");
    starter.kill("SIGKILL");
    await until(() => processesNamed(`sleep ${seconds}`).length === 0, "the command's end");
    assert.equal(container.state.state, "running");
  });

  it("ends with the agent that it belongs to, however soon that is killed", async () => {
    await using lab = openContainerLab();
    const container = await lab.startIdle();
    const seconds = uniqueSeconds();
    for (let delayMs = 0; delayMs < 24; delayMs += 2) {
      const starter = spawn(
        process.execPath,
        [join(import.meta.dirname, "start-exec.ts"), container.stateDir, "sleep", seconds],
        {
          stdio: ["ignore", "pipe", "ignore"],
        },
      );
      await once(starter.stdout, "data");
      await sleep(delayMs);
      starter.kill("SIGKILL");
      await until(() => processesNamed(seconds).length === 0, `no process after a kill at ${delayMs} ms`);
    }
    await until(() => processesLike(container.init().pid).length === 2, "the end of what was on the way to the command");
  });

  it("ends with its container", async () => {
    await using lab = openContainerLab();
    const container = await lab.startIdle();
    const exec = linuxContainers.exec(container.stateDir, { argv: ["sleep", "infinity"], env: { PATH: containerPath } });
    await until(() => processesLike(container.init().pid).length === 3, "the exec's process");
    linuxContainers.kill(container.stateDir);
    assert.equal(await exec.exitCode, 137);
  });

  it("carries megabytes each way, unchanged", async () => {
    await using lab = openContainerLab();
    const input = randomBytes(2 * 1024 * 1024).toString("base64");
    const { code, stdout } = await execIn(await lab.startIdle(), ["cat"], input);
    assert.equal(code, 0);
    assert.ok(stdout === input);
  });
}
