import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { descendantsOf, identify, isAlive, parseStat } from "#kernel/processes.ts";
import { until } from "../support/until.ts";

/** Fields 3 to 24 of proc(5); the 22nd, counted from the pid, is the start time. */
const fields = `S 1 42 42 0 -1 4194560 1 0 0 0 7 8 0 0 20 0 1 0 987654 1000 200 18446744073709551615`;

describe("/proc/PID/stat", () => {
  const names = ["sh", "a b", ")", "a) S 1 2 (b", "x) Z 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 5 (", "", "\\", "(((", "a\nb"];
  for (const name of names) {
    it(`is read where the program is called ${JSON.stringify(name)}`, () => {
      assert.deepEqual(parseStat(`42 (${name}) ${fields}\n`), { pid: 42, startTicks: "987654" });
    });
  }

  it("is read where the program has any name", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 15 }), fc.integer({ min: 1, max: 4_194_304 }), (name, pid) => {
        assert.deepEqual(parseStat(`${pid} (${name}) ${fields}\n`), { pid, startTicks: "987654" });
      }),
    );
  });

  for (const text of ["", "\n", "42", "42 (sh", "42 (sh) S 1 2", "x (sh) S", "nothing of the kind"]) {
    it(`is refused where it reads ${JSON.stringify(text)}`, () => assert.equal(parseStat(text), undefined));
  }

  it("names this very process", () => {
    const id = identify(process.pid);
    assert.deepEqual(id, parseStat(readFileSync("/proc/self/stat", "utf8")));
    assert.ok(id !== undefined && isAlive(id));
  });
});

describe("a process", () => {
  const children: ChildProcess[] = [];
  const start = async (...argv: [string, ...string[]]) => {
    const [program, ...args] = argv;
    const child = spawn(program, args, { stdio: "ignore" });
    children.push(child);
    await once(child, "spawn");
    return child.pid as number;
  };
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill("SIGKILL");
      await ended;
    }
  });

  it("is not alive under another's start time", async () => {
    const id = identify(await start("sleep", "1000"));
    assert.ok(id !== undefined && isAlive(id));
    assert.equal(isAlive({ ...id, startTicks: String(Number(id.startTicks) + 1) }), false);
    assert.equal(identify(2 ** 22 + 1), undefined);
  });

  it("is not alive once it ended, even before somebody reaps it", async () => {
    const parent = await start("sh", "-c", "sleep 1000 & read -r _ < /proc/self/stat; exec sleep 1000");
    const [child = 0] = await until(() => (descendantsOf(parent).length > 0 ? descendantsOf(parent) : undefined), "the child");
    const id = identify(child);
    assert.ok(id !== undefined);
    process.kill(child, "SIGKILL");
    await until(() => !isAlive(id), "the end of the child");
    assert.match(readFileSync(`/proc/${child}/stat`, "utf8"), /\) Z /);
  });

  it("tells of its descendants, the first child first", async () => {
    const parent = await start("sh", "-c", "sh -c 'sleep 1001 & sleep 1002; :' & sleep 1003; :");
    const tree = await until(() => (descendantsOf(parent).length === 4 ? descendantsOf(parent) : undefined), "four descendants");
    const commands = tree.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim());
    assert.deepEqual(commands.toSorted(), ["sh -c sleep 1001 & sleep 1002; :", "sleep 1001", "sleep 1002", "sleep 1003"]);
    assert.equal(commands[0], "sh -c sleep 1001 & sleep 1002; :");
    for (const pid of tree) process.kill(pid, "SIGKILL");
    assert.deepEqual(descendantsOf(2 ** 22 + 1), []);
  });
});
