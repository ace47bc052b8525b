import assert from "node:assert/strict";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { linuxContainers } from "#kernel/containers.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { processesNamed } from "./container-lab.ts";
import { nextFrame, openStreamLab, type StreamLab, stdinFrames, transcript } from "./stream-lab.ts";

type Open = (lab: StreamLab) => ReturnType<StreamLab["open"]>;

describe("streams", () => {
  before(requireSandbox);
  describe("of logs", describeLogs);
  describe("of exec", describeExec);
  describe("that are refused", describeRefusals);
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** In buffers that somebody still wants. */
function bytesHeld(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** A log of a container that has ended. */
function writeLog(lab: StreamLab, text: string): void {
  const stateDir = join(lab.containers.folder, "done");
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(join(stateDir, "exit"), "started\n0\n");
  writeFileSync(`${stateDir}.log`, text);
  lab.find({ stateDir, logPath: `${stateDir}.log` });
}

function describeLogs(): void {
  const long = "x".repeat(100_000);
  const tails: readonly (readonly [text: string, lines: number | undefined, want: string])[] = [
    ["a\nb\nc\n", undefined, "a\nb\nc\n"],
    ["a\nb\nc\n", 0, ""],
    ["a\nb\nc\n", 1, "c\n"],
    ["a\nb\nc\n", 2, "b\nc\n"],
    ["a\nb\nc\n", 3, "a\nb\nc\n"],
    ["a\nb\nc\n", 99, "a\nb\nc\n"],
    ["a\nb\nc", 1, "c"],
    ["a\nb\nc", 2, "b\nc"],
    ["a\n\n\n", 1, "\n"],
    ["a\n\n\n", 2, "\n\n"],
    ["\n", 1, "\n"],
    ["", 5, ""],
    ["", undefined, ""],
    [`a\n${long}\nb\n`, 1, "b\n"],
    [`a\n${long}\nb\n`, 2, `${long}\nb\n`],
    [`a\n${long}\nb\n`, 3, `a\n${long}\nb\n`],
  ];
  for (const [text, tailLines, want] of tails) {
    const shown = (value: string) => JSON.stringify(value.replace(long, "LONG"));
    it(`answer ${shown(want)} to ${tailLines === undefined ? "all" : `the last ${tailLines}`} of ${shown(text)}`, async () => {
      await using lab = await openStreamLab();
      writeLog(lab, text);
      assert.deepEqual(await transcript(await lab.logs({ tailLines })), { stdout: want, stderr: "", code: 0 });
    });
  }

  it("come in frames of at most 32 KiB", async () => {
    await using lab = await openStreamLab();
    writeLog(lab, long);
    const stream = await lab.logs({});
    const sizes: number[] = [];
    for (;;) {
      const frame = await nextFrame(stream);
      if (frame?.$case !== "stdout") break;
      sizes.push(frame.value.length);
    }
    assert.ok(Math.max(...sizes) <= 32 * 1024);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      long.length,
    );
  });

  it("follow what a container prints until it ends", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.start(["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done; exit 4"]);
    lab.find(container);
    const stream = await lab.logs({ follow: true });
    const first = await nextFrame(stream);
    assert.ok(first?.$case === "stdout" && first.value.toString().startsWith("1\n"));
    assert.equal(container.state.state, "running");
    const rest = await transcript(stream);
    assert.deepEqual([`${first.value.toString()}${rest.stdout}`, rest.code], ["1\n2\n3\n", 0]);
  });

  it("follow from the last lines on", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.startIdle();
    lab.find(container);
    appendFileSync(container.logPath, "old\nnew\n");
    const stream = await lab.logs({ follow: true, tailLines: 1 });
    const frame = await nextFrame(stream);
    assert.ok(frame?.$case === "stdout");
    assert.equal(frame.value.toString(), "new\n");
    linuxContainers.kill(container.stateDir);
    assert.deepEqual((await transcript(stream)).code, 0);
  });

  it("end when the container is killed while they are followed", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.start(["sh", "-c", "echo up; exec sleep infinity"]);
    lab.find(container);
    const stream = await lab.logs({ follow: true });
    await nextFrame(stream);
    const following = transcript(stream);
    linuxContainers.kill(container.stateDir);
    // Whoever runs the container sees its end, as the pod's worker does.
    await container.exitCode();
    assert.equal((await following).code, 0);
  });

  it("end when the pod goes while they are followed", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.start(["sh", "-c", "echo up; exec sleep infinity"]);
    lab.find(container);
    const stream = await lab.logs({ follow: true });
    await nextFrame(stream);
    const following = transcript(stream);
    linuxContainers.kill(container.stateDir);
    await until(() => processesNamed(container.stateDir).length === 0, "the container's end");
    rmSync(container.stateDir, { recursive: true });
    rmSync(container.logPath);
    assert.equal((await following).code, 0);
  });

  it("leave nothing open when the reader goes", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.startIdle();
    lab.find(container);
    const stream = await lab.logs({ follow: true });
    stream.end();
    await stream.over;
    await until(() => !process.getActiveResourcesInfo().includes("FSEventWrap"), "no watcher to be left");
  });

  it("are of the run before, where that is asked for", async () => {
    await using lab = await openStreamLab();
    writeLog(lab, "now\n");
    const previous = join(lab.containers.folder, "previous.log");
    writeFileSync(previous, "before\n");
    lab.find({ stateDir: join(lab.containers.folder, "done"), logPath: join(lab.containers.folder, "done.log") }, previous);
    assert.equal((await transcript(await lab.logs({ previous: true, follow: true }))).stdout, "before\n");
  });
}

function describeExec(): void {
  it("carry both outputs and the exit code", async () => {
    await using lab = await openStreamLab();
    lab.find(await lab.containers.startIdle());
    const stream = await lab.exec({ command: ["sh", "-c", "echo out; echo err >&2; exit 3"] });
    assert.deepEqual(await transcript(stream), { stdout: "out\n", stderr: "err\n", code: 3 });
  });

  it("say that a program is missing", async () => {
    await using lab = await openStreamLab();
    lab.find(await lab.containers.startIdle());
    const { code, stderr } = await transcript(await lab.exec({ command: ["no-such-program"] }));
    assert.equal(code, 127);
    assert.match(stderr, /no-such-program/);
  });

  it("have no input where none was asked for", async () => {
    await using lab = await openStreamLab();
    lab.find(await lab.containers.startIdle());
    assert.deepEqual(await transcript(await lab.exec({ command: ["cat"] })), { stdout: "", stderr: "", code: 0 });
  });

  it("carry 10 MB of input whole", async function () {
    this.timeout(30_000);
    await using lab = await openStreamLab();
    lab.find(await lab.containers.startIdle());
    const stream = await lab.exec({ command: ["sha256sum"], stdin: true });
    const bytes = randomBytes(10 * 1024 * 1024);
    for (const frame of stdinFrames(bytes)) stream.send(frame);
    const { stdout, code } = await transcript(stream);
    assert.deepEqual([stdout.split(" ")[0], code], [createHash("sha256").update(bytes).digest("hex"), 0]);
  });

  it("let a command end that doesn't read its input", async () => {
    await using lab = await openStreamLab();
    lab.find(await lab.containers.startIdle());
    const stream = await lab.exec({ command: ["sh", "-c", "sleep 0.2; exit 5"], stdin: true });
    for (const frame of stdinFrames(randomBytes(4 * 1024 * 1024))) stream.send(frame);
    assert.equal((await transcript(stream)).code, 5);
  });

  it("hold a command up whose reader is slow, and lose nothing of what it prints", async function () {
    this.timeout(60_000);
    await using lab = await openStreamLab();
    lab.find(await lab.containers.startIdle());
    const seconds = randomInt(100_000, 999_999);
    const total = 50 * 1024 * 1024;
    const stream = await lab.exec({ command: ["sh", "-c", `head -c ${total} /dev/zero; : ${seconds}`] });
    let bytes = 0;
    const take = async () => {
      const frame = await nextFrame(stream);
      if (frame?.$case !== "stdout") return frame;
      bytes += frame.value.length;
      return undefined;
    };
    const heldBefore = bytesHeld();
    for (let pause = 0; pause < 5; pause++) {
      for (let i = 0; i < 20; i++) assert.equal(await take(), undefined);
      await sleep(100);
      assert.ok(processesNamed(`: ${seconds}`).length > 0, `the command waits after ${bytes} bytes were taken`);
      await until(() => bytesHeld() - heldBefore < 6 * 1024 * 1024, "no more than 6 MiB to be held", 3_000);
    }
    let last: Awaited<ReturnType<typeof take>>;
    do last = await take();
    while (last === undefined);
    assert.deepEqual([last.$case, bytes], ["exit", total]);
    stream.end();
  });

  const leaving: readonly (readonly [sentence: string, script: string, stdinBytes: number])[] = [
    ["that sleeps", "sleep SECONDS", 0],
    ["that prints without end", "yes SECONDS", 0],
    ["that has input which it doesn't read", "sleep SECONDS", 4 * 1024 * 1024],
    ["that left its session", "setsid sleep SECONDS & sleep SECONDS", 0],
  ];
  for (const [sentence, script, stdinBytes] of leaving) {
    it(`kill a command ${sentence} when the caller goes`, async () => {
      await using lab = await openStreamLab();
      lab.find(await lab.containers.startIdle());
      const seconds = String(randomInt(100_000, 999_999));
      const stream = await lab.exec({ command: ["sh", "-c", script.replaceAll("SECONDS", seconds)], stdin: true });
      if (stdinBytes > 0) for (const frame of stdinFrames(randomBytes(stdinBytes)).slice(0, -1)) stream.send(frame);
      await until(() => processesNamed(seconds).length > 1, "the command");
      lab.leave(stream);
      await until(() => processesNamed(seconds).length === 0, "the command's end");
    });
  }

  it("end with an exit code when the container goes", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.startIdle();
    lab.find(container);
    const stream = await lab.exec({ command: ["sh", "-c", "echo up; exec sleep infinity"] });
    await nextFrame(stream);
    linuxContainers.kill(container.stateDir);
    assert.equal((await transcript(stream)).code, 137);
  });

  it("run side by side", async () => {
    await using lab = await openStreamLab();
    lab.find(await lab.containers.startIdle());
    const answers = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => transcript(await lab.exec({ command: ["sh", "-c", `echo ${i}; exit ${i}`] }))),
    );
    assert.deepEqual(
      answers,
      Array.from({ length: 10 }, (_, i) => ({ stdout: `${i}\n`, stderr: "", code: i })),
    );
  });
}

function describeRefusals(): void {
  const onDead = (open: Open): Open => {
    return (lab) => {
      lab.find({ stateDir: "/nowhere", logPath: "/nowhere.log" });
      return open(lab);
    };
  };
  const cases: readonly (readonly [sentence: string, open: Open, kind: string, message: RegExp])[] = [
    ["an exec in no pod", (lab) => lab.exec({}), "not-found", /pods "web" not found/],
    ["logs of no pod", (lab) => lab.logs({}), "not-found", /pods "web" not found/],
    ["an exec of nothing", onDead((lab) => lab.exec({ command: [] })), "invalid", /needs a command/],
    ["an exec in a container that doesn't run", onDead((lab) => lab.exec({})), "failed-precondition", /is not running/],
    [
      "logs since no time",
      (lab) => {
        writeLog(lab, "a\n");
        return lab.logs({ sinceTime: "yesterday" });
      },
      "invalid",
      /"yesterday" is no time/,
    ],
    [
      "logs of a run before the first",
      onDead((lab) => lab.logs({ previous: true })),
      "invalid",
      /previous terminated container "main" in pod "web" not found/,
    ],
    [
      "logs of a container that hasn't begun",
      onDead((lab) => lab.logs({})),
      "invalid",
      /"main" in pod "web" is waiting to start/,
    ],
    ["a stream of a kind to come", (lab) => lab.open(undefined), "unimplemented", /older than its control plane/],
  ];
  for (const [sentence, open, kind, message] of cases) {
    it(`name the reason: ${sentence}`, async () => {
      await using lab = await openStreamLab();
      const { error } = await transcript(await open(lab));
      assert.equal(error?.kind, kind);
      assert.match(error?.message ?? "", message);
    });
  }
}
