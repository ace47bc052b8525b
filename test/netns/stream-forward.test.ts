/* port-forward, into real network namespaces. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { run } from "#kernel/run.ts";
import type { PlayedStream } from "../node-agent/fake-control-plane.ts";
import { nodeInPod } from "../support/pod-manifests.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import type { TestContainer } from "./container-lab.ts";
import {
  nextFrame,
  openStreamLab,
  type StreamLab,
  sees,
  stdinFrame,
  stdinFrames,
  type Transcript,
  transcript,
} from "./stream-lab.ts";

const { signal } = new AbortController();

interface PodNetwork extends AsyncDisposable {
  readonly lab: StreamLab;
  readonly netns: string;
  /** A Node program in the pod that has printed "up". */
  serve(script: string): Promise<TestContainer>;
}

async function openPod(): Promise<PodNetwork> {
  const lab = await openStreamLab();
  const netns = `forward.${randomBytes(4).toString("hex")}`;
  await run(["ip", "-batch", "-"], { input: `netns add ${netns}\nnetns exec ${netns} ip link set lo up\n`, signal }).catch(() =>
    run(["ip", "-n", netns, "link", "set", "lo", "up"], { signal }),
  );
  return {
    lab,
    netns,
    async serve(script) {
      const container = await lab.containers.start(["/run/podwire/node", "-e", script], { netns });
      await until(() => container.log().includes("up"), `the server, which says ${container.log()}`);
      lab.find({ stateDir: container.stateDir, logPath: container.logPath, netns });
      return container;
    },
    async [Symbol.asyncDispose]() {
      await lab[Symbol.asyncDispose]();
      await run(["ip", "netns", "del", netns], { signal });
    },
  };
}

/** All that comes, when the user's side has nothing to say any more. */
function answer(stream: PlayedStream): Promise<Transcript> {
  stream.send({ frame: { $case: "stdinEnd", value: {} } });
  return transcript(stream);
}

const up = 'console.log("up")';

describe("a port-forward", () => {
  before(requireSandbox);

  it("reaches what listens on the pod's localhost, and the pod's only", async () => {
    await using pod = await openPod();
    await pod.serve(`require("net").createServer(s => s.end("in the pod")).listen(80, "127.0.0.1", () => ${up})`);
    assert.deepEqual(await answer(await pod.lab.forward(80)), { stdout: "in the pod", stderr: "", code: 0 });
  });

  it("to a pod in the node's own network reaches the node's localhost", async () => {
    await using lab = await openStreamLab();
    const listen = `require("net").createServer(s => s.end("on the node")).listen(0, "127.0.0.1", function () { console.log(this.address().port) })`;
    const container = await lab.containers.start([nodeInPod, "-e", listen]);
    lab.find(container);
    const port = Number(await until(() => /^\d+\n$/.exec(container.log())?.[0], "the server's port"));
    assert.equal((await answer(await lab.forward(port))).stdout, "on the node");
  });

  it("reaches what listens on ::1 only", async () => {
    await using pod = await openPod();
    await pod.serve(`require("net").createServer(s => s.end("six")).listen(80, "::1", () => ${up})`);
    assert.equal((await answer(await pod.lab.forward(80))).stdout, "six");
  });

  it("carries 20 MB each way, whole, while either side is closed by itself", async function () {
    this.timeout(30_000);
    await using pod = await openPod();
    const echo = `require("net").createServer({allowHalfOpen: true}, s => { const all = []; s.on("data", d => all.push(d)); s.on("end", () => s.end(Buffer.concat(all))); })`;
    await pod.serve(`${echo}.listen(80, () => ${up})`);
    const stream = await pod.lab.forward(80);
    const bytes = randomBytes(20 * 1024 * 1024);
    for (const frame of stdinFrames(bytes)) stream.send(frame);
    const hash = createHash("sha256");
    for (;;) {
      const frame = await nextFrame(stream);
      if (frame?.$case !== "stdout") {
        assert.deepEqual(frame, { $case: "exit", value: { code: 0 } });
        break;
      }
      hash.update(frame.value);
    }
    assert.equal(hash.digest("hex"), createHash("sha256").update(bytes).digest("hex"));
    stream.end();
  });

  it("lets the user's side go on when the pod's has written its last", async () => {
    await using pod = await openPod();
    const script = `require("net").createServer({allowHalfOpen: true}, s => { s.end("bye"); s.on("data", d => console.log("heard " + d)); s.on("end", () => console.log("end")) })`;
    const container = await pod.serve(`${script}.listen(80, () => ${up})`);
    const stream = await pod.lab.forward(80);
    assert.equal(await sees(stream, "bye"), "bye");
    const half = await nextFrame(stream);
    assert.ok(half?.$case === "stdout" && half.value.length === 0, "the pod's end is told");
    stream.send(stdinFrame("late"));
    await until(() => container.log().includes("heard late"), "what came after the pod's end");
    stream.send({ frame: { $case: "stdinEnd", value: {} } });
    assert.equal((await transcript(stream)).code, 0);
  });

  it("takes no more from a server than its user reads", async () => {
    await using pod = await openPod();
    const script = `let sent = 0; const more = s => { while (s.write(Buffer.alloc(65536))) sent += 65536; s.once("drain", () => more(s)); sent += 65536; console.log("sent " + sent) }; require("net").createServer(more).listen(80, () => ${up})`;
    const container = await pod.serve(script);
    const stream = await pod.lab.forward(80);
    await nextFrame(stream);
    const sent = () => Number(/sent (\d+)\n$/.exec(container.log())?.[1] ?? 0);
    let before = -1;
    let same = 0;
    await until(() => {
      same = sent() === before ? same + 1 : 0;
      before = sent();
      return same > 40 && before > 0;
    }, "the server to stand still");
    assert.ok(sent() < 16 * 1024 * 1024, `the server has sent ${sent()} bytes`);
    pod.lab.leave(stream);
  });

  it("says that nobody listens, and serves the next connection when somebody does", async () => {
    await using pod = await openPod();
    pod.lab.find({ stateDir: "/nowhere", logPath: "/nowhere.log", netns: pod.netns });
    const { error } = await answer(await pod.lab.forward(80));
    assert.equal(error?.kind, "unavailable");
    assert.match(error?.message ?? "", /^error forwarding port 80 to pod web: .*ECONNREFUSED/);
    await pod.serve(`require("net").createServer(s => s.end("now")).listen(80, () => ${up})`);
    assert.equal((await answer(await pod.lab.forward(80))).stdout, "now");
  });

  it("serves 100 connections at once", async function () {
    this.timeout(30_000);
    await using pod = await openPod();
    await pod.serve(`require("net").createServer(s => s.on("data", d => s.end(d))).listen(80, () => ${up})`);
    const streams = await Promise.all(Array.from({ length: 100 }, () => pod.lab.forward(80)));
    for (const [i, stream] of streams.entries()) stream.send(stdinFrame(`number ${i}`));
    const answers = await Promise.all(streams.map(answer));
    assert.deepEqual(
      answers.map(({ stdout }) => stdout),
      streams.map((_, i) => `number ${i}`),
    );
  });

  it("ends the connection in the pod when its user goes", async () => {
    await using pod = await openPod();
    const script = `require("net").createServer(s => { s.write("hi"); s.on("close", () => console.log("closed")); s.on("error", () => {}) })`;
    const container = await pod.serve(`${script}.listen(80, () => ${up})`);
    const stream = await pod.lab.forward(80);
    await sees(stream, "hi");
    pod.lab.leave(stream);
    await until(() => container.log().includes("closed"), "the end of the connection");
  });

  for (const port of [0, -1, 65_536]) {
    it(`refuses port ${port}`, async () => {
      await using pod = await openPod();
      pod.lab.find({ stateDir: "/nowhere", logPath: "/nowhere.log", netns: pod.netns });
      const { error } = await transcript(await pod.lab.forward(port));
      assert.deepEqual([error?.kind, error?.message], ["invalid", `port ${port} is no port: want 1 to 65535`]);
    });
  }
});
