/* exec on a terminal, in real containers. */

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { processesNamed } from "./container-lab.ts";
import { openStreamLab, type StreamLab, sees, stdinFrame, transcript } from "./stream-lab.ts";

function terminalsOpen(): number {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => /\/dev\/(pts\/)?ptmx|\/dev\/pts\//.test(link)).length;
}

describe("an exec on a terminal", () => {
  before(requireSandbox);

  async function shell(lab: StreamLab, ...command: string[]) {
    lab.find(await lab.containers.startIdle());
    return lab.exec({ command, stdin: true, tty: true });
  }

  it("has the container's own terminal for all three standard streams", async () => {
    await using lab = await openStreamLab();
    const script = "tty; test -t 0 && test -t 1 && test -t 2 && echo three; echo to-err >&2; echo $TERM; exit 3";
    const { stdout, stderr, code } = await transcript(await shell(lab, "sh", "-c", script));
    assert.deepEqual([stdout, stderr, code], ["/dev/pts/0\r\nthree\r\nto-err\r\nxterm\r\n", "", 3]);
  });

  it("has the size that it is told, and hears of changes", async () => {
    await using lab = await openStreamLab();
    const stream = await shell(lab, "sh", "-c", "trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done");
    await sees(stream, "up\r\n");
    stream.send({ frame: { $case: "resize", value: { columns: 120, rows: 40 } } });
    await sees(stream, "40 120\r\n");
    stream.send({ frame: { $case: "resize", value: { columns: 81, rows: 25 } } });
    await sees(stream, "25 81\r\n");
    lab.leave(stream);
  });

  it("turns Ctrl-C into an interrupt of the program in the foreground only", async () => {
    await using lab = await openStreamLab();
    const stream = await shell(lab, "sh", "-i");
    await sees(stream, "# ");
    stream.send(stdinFrame("sleep 1000\n"));
    await sees(stream, "sleep 1000");
    await until(() => processesNamed("sleep 1000").length > 0, "the program");
    stream.send(stdinFrame("\x03"));
    stream.send(stdinFrame("echo st''ill; exit 4\n"));
    await sees(stream, "still\r\n");
    assert.equal((await transcript(stream)).code, 4);
  });

  it("ends a program's input with the frame that says so", async () => {
    await using lab = await openStreamLab();
    const stream = await shell(lab, "cat");
    stream.send(stdinFrame("line\n"));
    await sees(stream, "line\r\nline\r\n");
    stream.send({ frame: { $case: "stdinEnd", value: {} } });
    assert.equal((await transcript(stream)).code, 0);
  });

  it("ends when its program ends, though another holds the terminal", async function () {
    this.timeout(10_000);
    await using lab = await openStreamLab();
    const { stdout, code } = await transcript(await shell(lab, "sh", "-c", "(trap '' HUP; exec sleep 30) & echo over; exit 5"));
    assert.deepEqual([stdout, code], ["over\r\n", 5]);
  });

  it("passes megabytes through in order", async function () {
    this.timeout(20_000);
    await using lab = await openStreamLab();
    const { stdout } = await transcript(await shell(lab, "seq", "1", "200000"));
    assert.equal(stdout, Array.from({ length: 200_000 }, (_, i) => `${i + 1}\r\n`).join(""));
  });

  it("leaves no process and no terminal when its user goes", async () => {
    await using lab = await openStreamLab();
    const seconds = randomInt(100_000, 999_999);
    lab.find(await lab.containers.startIdle());
    const before = terminalsOpen();
    for (let i = 0; i < 5; i++) {
      const command = ["sh", "-c", `trap '' HUP INT TERM; sleep ${seconds} & echo up; wait; wait`];
      const stream = await lab.exec({ command, stdin: true, tty: true });
      await sees(stream, "up\r\n");
      lab.leave(stream);
    }
    await until(() => processesNamed(String(seconds)).length === 0, "the end of all processes");
    await until(() => terminalsOpen() === before, "no terminal to be left open");
  });

  it("belongs to the container's user, who can open it by its name", async () => {
    await using lab = await openStreamLab();
    lab.find(await lab.containers.startIdle({ rights: { user: { uid: 1234, gid: 2345, groups: [] } } }));
    const script = "id -u; stat -c '%u %g' $(tty); echo by-name >$(tty)";
    const { stdout } = await transcript(await lab.exec({ command: ["sh", "-c", script], stdin: true, tty: true }));
    assert.equal(stdout, "1234\r\n1234 2345\r\nby-name\r\n");
  });
});
