/* attach, to real containers. */

import assert from "node:assert/strict";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { nextFrame, openStreamLab, sees, stdinFrame, transcript } from "./stream-lab.ts";

describe("an attach", () => {
  before(requireSandbox);

  it("shows what the container prints from then on, and ends with it", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.start(["sh", "-c", "echo before; read go; echo after; exit 3"], { stdin: "lasting" });
    lab.find(container);
    await until(() => container.log() === "before\n", "the first line");
    const watching = await lab.attach();
    const typing = await lab.attach({ stdin: true });
    typing.send(stdinFrame("go\n"));
    assert.deepEqual(await transcript(watching), { stdout: "after\n", stderr: "", code: 0 });
    assert.equal((await transcript(typing)).stdout, "after\n");
  });

  it("feeds the container's input, one after the other", async () => {
    await using lab = await openStreamLab();
    const script = 'while read line; do echo "got $line"; [ "$line" != stop ] || exit 0; done; echo ended';
    const container = await lab.containers.start(["sh", "-c", script], { stdin: "lasting" });
    lab.find(container);
    const first = await lab.attach({ stdin: true });
    first.send(stdinFrame("one\n"));
    assert.equal(await sees(first, "one\n"), "got one\n");
    first.send({ frame: { $case: "stdinEnd", value: {} } });
    lab.leave(first);
    const second = await lab.attach({ stdin: true });
    second.send(stdinFrame("stop\n"));
    assert.deepEqual(await transcript(second), { stdout: "got stop\n", stderr: "", code: 0 });
    assert.equal(container.log(), "got one\ngot stop\n");
  });

  it("does not stall on a container that doesn't read, and leaves it alone when its user goes", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.startIdle({ stdin: "lasting" });
    lab.find(container);
    const stream = await lab.attach({ stdin: true });
    for (let i = 0; i < 100; i++) stream.send(stdinFrame("x".repeat(32 * 1024)));
    const exec = await transcript(await lab.exec({ command: ["echo", "alive"] }));
    assert.equal(exec.stdout, "alive\n");
    lab.leave(stream);
    await stream.over;
    assert.equal(container.state.state, "running");
  });

  it("gives no input to a container whose spec has none", async () => {
    await using lab = await openStreamLab();
    lab.find(await lab.containers.startIdle());
    const { error } = await transcript(await lab.attach({ stdin: true }));
    assert.deepEqual([error?.kind, /lacks stdin: true/.test(error?.message ?? "")], ["failed-precondition", true]);
  });

  it("without input ends nothing of a container that has one", async () => {
    await using lab = await openStreamLab();
    lab.find(await lab.containers.start(["sh", "-c", "cat; echo over"], { stdin: "lasting" }));
    const first = await lab.attach({ stdin: true });
    first.send({ frame: { $case: "stdinEnd", value: {} } });
    const stream = await lab.attach({ stdin: true });
    stream.send(stdinFrame("still\n"));
    const frame = await nextFrame(stream);
    assert.equal(frame?.$case === "stdout" ? Buffer.from(frame.value).toString() : "", "still\n");
    stream.end();
    first.end();
  });

  it("ends the input of a container that is to be fed once, and a later one has none", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.start(["sh", "-c", "cat; echo over; sleep 0.2; echo last"], { stdin: "once" });
    lab.find(container);
    const first = await lab.attach({ stdin: true });
    first.send(stdinFrame("one\n"));
    first.send({ frame: { $case: "stdinEnd", value: {} } });
    assert.equal(await sees(first, "over\n"), "one\nover\n");
    const later = await lab.attach({ stdin: true });
    later.send(stdinFrame("lost\n"));
    assert.deepEqual([(await transcript(later)).code, (await transcript(first)).code], [0, 0]);
    assert.equal(container.log(), "one\nover\nlast\n");
  });

  it("ends such an input when its user goes", async () => {
    await using lab = await openStreamLab();
    const container = await lab.containers.start(["sh", "-c", "cat; echo over"], { stdin: "once" });
    lab.find(container);
    const stream = await lab.attach({ stdin: true });
    stream.send(stdinFrame("one\n"));
    assert.equal(await sees(stream, "one\n"), "one\n");
    lab.leave(stream);
    assert.equal(await container.exitCode(), 0);
    assert.equal(container.log(), "one\nover\n");
  });
});
