/* Logs by time, and their rotation, of real files. */

import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { keepLogs } from "../../node-agent/streams/log-keeper.ts";
import { createLogReaders } from "../../node-agent/streams/log-readers.ts";
import { firstKept, rotateLog } from "../../node-agent/streams/log-rotation.ts";
import { noteTimes } from "../../node-agent/streams/log-times.ts";
import { nodeInPod } from "../support/pod-manifests.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { nextFrame, openStreamLab, type StreamLab, transcript } from "./stream-lab.ts";

const mib = 1024 * 1024;
const line = (i: number) => `line ${String(i).padStart(10, "0")} ${"x".repeat(83)}\n`;

/** The log of a container that has ended. */
function openLog(lab: StreamLab): string {
  const stateDir = join(lab.containers.folder, "done");
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(join(stateDir, "exit"), "started\n0\n");
  const path = `${stateDir}.log`;
  writeFileSync(path, "");
  lab.find({ stateDir, logPath: path });
  return path;
}

function appendLines(path: string, from: number, count: number): number {
  for (let i = from; i < from + count; i += 1_000) {
    appendFileSync(path, Array.from({ length: Math.min(1_000, from + count - i) }, (_, k) => line(i + k)).join(""));
  }
  return from + count;
}

const numbersIn = (text: string) => [...text.matchAll(/^line (\d+) x+$/gm)].map(([, digits]) => Number(digits));

function assertConsecutive(numbers: readonly number[]): void {
  for (const [i, number] of numbers.entries()) if (i > 0) assert.equal(number, (numbers[i - 1] ?? 0) + 1);
}

describe("a container's log", () => {
  before(requireSandbox);

  it("tells when each line was written", async () => {
    await using lab = await openStreamLab();
    const path = openLog(lab);
    const wrote: number[] = [];
    for (const text of ["one\n", "two\n", "three\n"]) {
      wrote.push(Date.now());
      appendFileSync(path, text);
      noteTimes(path);
      await sleep(80);
    }
    const { stdout } = await transcript(await lab.logs({ timestamps: true }));
    const lines = stdout
      .trim()
      .split("\n")
      .map((text) => text.split(" "));
    assert.deepEqual(
      lines.map(([, text]) => text),
      ["one", "two", "three"],
    );
    for (const [i, [time = ""]] of lines.entries()) {
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z$/);
      assert.ok(Math.abs(Date.parse(time) - (wrote[i] ?? 0)) < 40, `${time} is when ${wrote[i]} was`);
    }
    const since = async (sinceTime: string) => (await transcript(await lab.logs({ sinceTime }))).stdout;
    assert.equal(await since(new Date((wrote[1] ?? 0) - 40).toISOString()), "two\nthree\n");
    assert.equal(await since(new Date(Date.now() + 1_000).toISOString()), "");
    assert.equal((await transcript(await lab.logs({ sinceSeconds: 3_600, tailLines: 2 }))).stdout, "two\nthree\n");
  });

  it("is cut after so many bytes where that is asked for, times included", async () => {
    await using lab = await openStreamLab();
    writeFileSync(openLog(lab), "abcdef\nghi\n");
    assert.equal((await transcript(await lab.logs({ limitBytes: 8 }))).stdout, "abcdef\ng");
    assert.match((await transcript(await lab.logs({ limitBytes: 28, timestamps: true }))).stdout, /^[-\d]{10}T[:.\d]{12}Z abc$/);
  });

  it("of 25 MiB keeps its newest 10 MiB, from the beginning of a line on, and gives the rest back", async () => {
    await using lab = await openStreamLab();
    const path = openLog(lab);
    const end = appendLines(path, 0, 262_144);
    noteTimes(path);
    const used = () => statSync(path).blocks * 512;
    const before = used();
    rotateLog(path);
    assert.ok(used() <= 10 * mib + 8_192 && before - used() >= 14 * mib, `${used()} of ${before} bytes are in use`);
    const numbers = numbersIn((await transcript(await lab.logs({}))).stdout);
    assertConsecutive(numbers);
    assert.equal(numbers.at(-1), end - 1);
    assert.ok(Math.abs(numbers.length * 100 - 10 * mib) < 1_000);
    const { stdout } = await transcript(await lab.logs({ tailLines: 1_000_000 }));
    assert.equal(numbersIn(stdout).length, numbers.length);
    assert.deepEqual(numbersIn((await transcript(await lab.logs({ tailLines: 2 }))).stdout), [end - 2, end - 1]);
    const stamped = (await transcript(await lab.logs({ timestamps: true, tailLines: 1 }))).stdout;
    assert.ok(Math.abs(Date.parse(stamped.split(" ")[0] ?? "") - Date.now()) < 60_000);
  });

  it("loses no line for one who follows it across rotations", async function () {
    this.timeout(30_000);
    await using lab = await openStreamLab();
    const lines = 500_000;
    const script = `const l = i => "line " + String(i).padStart(10, "0") + " " + "x".repeat(83) + "\\n"; for (let i = 0; i < ${lines}; i += 1000) require("fs").writeSync(1, Array.from({length: 1000}, (_, k) => l(i + k)).join(""))`;
    const container = await lab.containers.start(["sh", "-c", `read go; "$@"`, "sh", nodeInPod, "-e", script], {
      stdin: "lasting",
    });
    lab.find(container);
    const stream = await lab.logs({ follow: true });
    const typing = await lab.attach({ stdin: true });
    typing.send({ frame: { $case: "stdin", value: Buffer.from("go\n") } });
    typing.end();
    let next = 0;
    let kept = "";
    for (let frame = await nextFrame(stream); frame?.$case === "stdout"; frame = await nextFrame(stream)) {
      rotateLog(container.logPath, lab.readers.slowest(container.logPath));
      const text = kept + Buffer.from(frame.value).toString("latin1");
      const whole = text.lastIndexOf("\n") + 1;
      for (const number of numbersIn(text.slice(0, whole))) assert.equal(number, next++);
      kept = text.slice(whole);
    }
    assert.equal(next, lines);
    assert.ok(firstKept(container.logPath) > 20 * mib, "it was rotated meanwhile");
    stream.end();
  });

  it("keeps up to 50 MiB for one who has yet to read them", async () => {
    await using lab = await openStreamLab();
    const path = openLog(lab);
    appendLines(path, 0, 300_000);
    rotateLog(path, 1_000_000);
    assert.equal(firstKept(path), 0, "too little can go");
    rotateLog(path, 12_000_000);
    assert.ok(Math.abs(firstKept(path) - 12_000_000) <= 100);
    appendLines(path, 300_000, 600_000);
    rotateLog(path, 12_000_000);
    assert.ok(Math.abs(statSync(path).size - firstKept(path) - 50 * mib) <= 100, "but not for ever");
  });

  it("passes over what a rotation took before a slow reader came to it", async () => {
    await using lab = await openStreamLab();
    const path = openLog(lab);
    appendLines(path, 0, 100_000);
    const stream = await lab.logs({});
    await nextFrame(stream);
    const end = appendLines(path, 100_000, 400_000);
    rotateLog(path);
    const { stdout } = await transcript(stream);
    assert.ok(!stdout.includes("\0"), "no hole is shown");
    assert.equal(numbersIn(stdout).at(-1), end - 1);
  });

  it("survives an end of the agent between any two steps of a rotation", async () => {
    await using lab = await openStreamLab();
    const path = openLog(lab);
    const end = appendLines(path, 0, 262_144);
    rotateLog(path);
    const begin = firstKept(path);
    // As one that was killed before it made the hole: the bytes are there, but nobody reads them.
    const again = `${path}.whole`;
    writeFileSync(again, Buffer.alloc(begin, "old line\n"));
    appendFileSync(again, readFileSync(path).subarray(begin));
    writeFileSync(path, readFileSync(again));
    const numbers = numbersIn((await transcript(await lab.logs({}))).stdout);
    assertConsecutive(numbers);
    assert.equal(numbers.at(-1), end - 1);
    appendLines(path, end, 150_000);
    rotateLog(path);
    assert.ok(statSync(path).blocks * 512 <= 10 * mib + 8_192, "the next rotation gives all of it back");
    // As one that was killed while it wrote where the log begins.
    writeFileSync(`${path}.begin.new`, "1");
    assert.ok(firstKept(path) > begin);
  });

  it("is looked after for every pod, and one that can't be is told of and keeps no other waiting", async () => {
    await using lab = await openStreamLab();
    const stopping = new AbortController();
    const folders = ["a", "b"].map((name) => join(lab.containers.folder, name));
    for (const folder of folders) {
      mkdirSync(join(folder, "containers", "main"), { recursive: true });
      writeFileSync(join(folder, "containers", "main", "0.log"), "one\n");
      mkdirSync(join(folder, "containers", "main", "0"));
    }
    mkdirSync(join(folders[0] ?? "", "containers", "main", "0.log.times"));
    const keeping = keepLogs({
      podFolders: () => folders,
      readers: createLogReaders(),
      ...{ clock: systemClock, log: createLog({ level: "silent", name: "test" }), signal: stopping.signal },
    });
    await until(() => existsSync(join(folders[1] ?? "", "containers", "main", "0.log.times")), "the times of the second");
    stopping.abort();
    await keeping;
  });
});
