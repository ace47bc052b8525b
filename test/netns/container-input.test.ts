/* The standard input of real containers, as one who attaches has it. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { openInput } from "#kernel/container-input.ts";
import { linuxContainers } from "#kernel/containers.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { execIn, openContainerLab, type TestContainer } from "./container-lab.ts";
import { makePod, openPodLab } from "./pod-lab.ts";

/** Shows what it reads, and that it read the end. */
const reader = ["sh", "-c", "cat; echo ended"];

describe("a container's input that ends once", () => {
  before(requireSandbox);

  it("ends with the first who is attached", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(reader, { stdin: "once" });
    const input = attach(container);
    input?.write("one\n");
    await until(() => container.log() === "one\n", "the first line");
    input?.end("two\n");
    assert.equal(await container.exitCode(), 0);
    assert.equal(container.log(), "one\ntwo\nended\n");
  });

  it("has not ended before anybody was attached, and keeps what came before the program reads", async () => {
    await using lab = openContainerLab();
    const script = "echo up; while [ ! -e /tmp/go ]; do sleep 0.01; done; cat /dev/stdin; echo ended";
    const container = await lab.start(["sh", "-c", script], { stdin: "once" });
    await until(() => container.log() === "up\n", "the program");
    const input = attach(container);
    input?.end("early\n");
    await once(input ?? process, "close");
    await execIn(container, ["touch", "/tmp/go"]);
    assert.equal(await container.exitCode(), 0);
    assert.equal(container.log(), "up\nearly\nended\n");
  });

  it("is nobody's after that, while the container runs on", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["sh", "-c", "cat; echo ended; exec sleep infinity"], { stdin: "once" });
    attach(container)?.end();
    await until(() => container.log() === "ended\n", "the end");
    assert.equal(attach(container), undefined);
    assert.equal(container.state.state, "running");
  });

  it("ends when whoever is attached is killed", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(reader, { stdin: "once" });
    const { pid, startTicks } = container.init();
    const agent = spawn(
      process.execPath,
      [join(import.meta.dirname, "attach-input.ts"), container.stateDir, `${pid}`, startTicks],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    await once(agent.stdout, "data");
    await until(() => container.log() === "hello\n", "its word");
    agent.kill("SIGKILL");
    assert.equal(await container.exitCode(), 0);
    assert.equal(container.log(), "hello\nended\n");
  });

  it("outlives its starter before anybody was attached", async () => {
    await using lab = openContainerLab();
    const spec = lab.spec(reader, { stdin: "once" });
    const container = lab.at(spec);
    const starter = spawn(process.execPath, [join(import.meta.dirname, "start-container.ts"), JSON.stringify(spec)]);
    await until(() => container.state.state === "running", "the container");
    starter.kill("SIGKILL");
    await once(starter, "exit");
    attach(container)?.end("late\n");
    assert.equal(await container.exitCode(), 0);
    assert.equal(container.log(), "late\nended\n");
  });

  it("leaves nothing of itself where nobody ever was attached", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["sh", "-c", "exit 3"], { stdin: "once" });
    assert.equal(await container.exitCode(), 3);
    assert.throws(() => openInput(container.stateDir, { pid: process.pid, startTicks: "0" }), /not running/);
  });
});

describe("a pod whose container's input ends once", () => {
  before(requireSandbox);

  it("has a new input in each run", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const command = ["sh", "-c", "cat; echo ended"];
    const pod = makePod("fed", [], { containers: [{ name: "main", image: "any", command, stdin: true, stdinOnce: true }] });
    agent.set(pod);
    const found = () => agent.pods.find("default", "fed", "main");
    for (const [run, word] of ["one\n", "two\n"].entries()) {
      const init = await until(() => {
        const state = linuxContainers.read(found().stateDir);
        return basename(found().stateDir) === String(run) && state.state === "running" && state.init;
      }, `run ${run}`);
      const path = found().logPath(0) ?? "";
      openInput(found().stateDir, init)?.end(word);
      await until(() => readFileSync(path, "utf8") === `${word}ended\n`, "its word and its end");
    }
  });
});

function attach(container: TestContainer) {
  return openInput(container.stateDir, container.init());
}
