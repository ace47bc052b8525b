/* port-forward, from a socket on the user's machine to an agent and back. */

import assert from "node:assert/strict";
import { createServer, connect as openSocket, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { podPorts } from "../../../cli/streams/forward-target.ts";
import { parsePortPair } from "../../../cli/streams/port-pairs.ts";
import { type CliRun, createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import type { FakeAgent, FakeAttach, FakeSession } from "../../support/fake-agent.ts";
import { until } from "../../support/until.ts";

const out = (value: string | Buffer) => ({ frame: { $case: "stdout" as const, value: Buffer.from(value) } });
const exit = { frame: { $case: "exit" as const, value: { code: 0 } } };

describe("podwire port-forward", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  let agent: FakeAgent;
  let session: FakeSession;
  let taken: number;

  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address });
    ({ agent, session } = await cluster.joinReady("node-1"));
    const containers = [
      { name: "main", image: "podwire/toolbox", command: ["sleep", "inf"], ports: [{ name: "http", containerPort: 8080 }] },
    ];
    await cluster.write("create", podManifest("web", { containers }, { labels: { app: "web" } }));
    session.reportRunning(await until(() => [...session.view.pods.values()][0], "the pod on the node"));
    await until(() => cluster.pod("web")?.status?.phase === "Running", "the pod's start");
    taken = 0;
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  async function nextAttach(): Promise<{ port: number; attach: FakeAttach }> {
    const request = await until(() => session.streams[taken], "a request for a stream");
    taken += 1;
    assert.ok(request.start?.$case === "portForward");
    assert.deepEqual([request.start.value.namespace, request.start.value.pod], ["default", "web"]);
    return { port: request.start.value.port, attach: agent.attach(request) };
  }

  const inputOf = (attach: FakeAttach) =>
    Buffer.concat(attach.inputs.flatMap(({ frame }) => (frame?.$case === "stdin" ? [frame.value] : []))).toString();

  /** The local port of the nth line that says where it listens. */
  async function localPort(run: CliRun, remote: number): Promise<number> {
    const line = new RegExp(`^Forwarding from 127\\.0\\.0\\.1:(\\d+) -> ${remote}$`, "m");
    return Number(await until(() => line.exec(run.stdout)?.[1], `the port that leads to ${remote}`));
  }

  function dial(port: number): Socket {
    return openSocket({ host: "127.0.0.1", port, allowHalfOpen: true }).on("error", () => {});
  }

  it("carries each connection to the pod's port and back, each direction to its own end", async () => {
    await using run = cli.start(["port-forward", "web", ":http"]);
    const port = await localPort(run, 8080);
    const socket = dial(port);
    socket.write("request");
    const { port: remote, attach } = await nextAttach();
    assert.equal(remote, 8080);
    await until(() => inputOf(attach) === "request", "the request");
    attach.send(out("answer"));
    // The pod's side has written its last, ours has not.
    attach.send(out(""));
    assert.equal(await text(socket), "answer");
    socket.end(" and more");
    await until(() => attach.inputs.at(-1)?.frame?.$case === "stdinEnd", "our end");
    assert.equal(inputOf(attach), "request and more");
    attach.send(exit);
    await attach.ended;
    await run.sees(`Handling connection for ${port}\n`);
  });

  it("says where it listens, for each of several ports, on both loopback addresses", async () => {
    await using run = cli.start(["port-forward", "pod/web", ":80", ":443"]);
    const ports = [await localPort(run, 80), await localPort(run, 443)];
    for (const [i, remote] of [80, 443].entries()) {
      await run.sees(`Forwarding from 127.0.0.1:${ports[i]} -> ${remote}\n`);
      const socket = dial(ports[i] ?? 0);
      const { port, attach } = await nextAttach();
      assert.equal(port, remote);
      attach.send(exit);
      await text(socket);
      socket.destroy();
    }
    run.interrupt();
    assert.equal((await run.result).code, 130);
  });

  it("reports a connection that the pod refuses, and goes on", async () => {
    await using run = cli.start(["port-forward", "web", ":80"]);
    const port = await localPort(run, 80);
    const refused = dial(port);
    const message = "error forwarding port 80 to pod web: failed to connect to localhost:80 inside the pod";
    (await nextAttach()).attach.send({ frame: { $case: "error", value: { kind: "unavailable", message } } });
    await text(refused).catch(() => "");
    await until(() => run.stderr === `an error occurred forwarding ${port} -> 80: ${message}\n`, "the report");
    const socket = dial(port);
    const { attach } = await nextAttach();
    attach.send(out("now"));
    attach.send(exit);
    assert.equal(await text(socket), "now");
    refused.destroy();
    socket.destroy();
  });

  it("tells the agent when the user's connection goes", async () => {
    await using run = cli.start(["port-forward", "web", ":80"]);
    const socket = dial(await localPort(run, 80));
    const { attach } = await nextAttach();
    attach.send(out("begun"));
    await new Promise((resolve) => socket.once("data", resolve));
    socket.resetAndDestroy();
    await attach.ended;
    assert.equal(run.stderr, "");
  });

  it("reads no more from the user than the pod takes", async () => {
    await using run = cli.start(["port-forward", "web", ":80"]);
    const socket = dial(await localPort(run, 80));
    const request = await until(() => session.streams[0], "a request for a stream");
    // Nobody serves it: the agent is slow.
    socket.write(Buffer.alloc(64 * 1024 * 1024));
    let before = -1;
    await until(() => {
      const still = socket.bytesWritten - socket.writableLength === before;
      before = socket.bytesWritten - socket.writableLength;
      return still;
    }, "the socket to stand still");
    assert.ok(socket.writableLength > 0, "not all of it was taken");
    agent.attach(request).kill();
    socket.destroy();
  });

  it("serves 200 connections at once, and the next when one of them ends", async function () {
    this.timeout(20_000);
    await using run = cli.start(["port-forward", "web", ":80"]);
    const port = await localPort(run, 80);
    const sockets = Array.from({ length: 201 }, () => dial(port));
    await until(() => session.streams.length === 200, "200 streams", 10_000);
    const attaches: FakeAttach[] = [];
    for (let i = 0; i < 200; i++) attaches.push((await nextAttach()).attach);
    assert.equal(session.streams.length, 200);
    attaches[0]?.send(exit);
    await until(() => session.streams.length === 201, "the next");
    attaches.push((await nextAttach()).attach);
    for (const attach of attaches.slice(1)) attach.send(exit);
    for (const socket of sockets) await text(socket);
    for (const socket of sockets) socket.destroy();
  });

  it("ends when the pod goes", async () => {
    await using run = cli.start(["port-forward", "web", ":80"]);
    await localPort(run, 80);
    await cluster.delete("Pod", "web", { gracePeriodSeconds: 0 });
    const { code, stderr } = await run.result;
    assert.deepEqual([code, stderr], [1, "error: lost connection to pod\n"]);
  });

  it("listens on the addresses of --address, and goes on where one of several ports is taken", async () => {
    const taker = createServer();
    await new Promise<void>((resolve) => taker.listen(0, "127.0.0.1", resolve));
    const { port } = taker.address() as { port: number };
    await using run = cli.start(["port-forward", "web", `${port}:80`, ":81", "--address", "127.0.0.1"]);
    await localPort(run, 81);
    assert.match(run.stderr, new RegExp(`^Unable to listen on port ${port}: .*EADDRINUSE`));
    const alone = await cli.type(`port-forward web ${port}:80 --address 127.0.0.1`);
    assert.equal(alone.code, 1);
    assert.match(alone.stderr, new RegExp(`error: unable to listen on any of the requested ports: \\[{${port} 80}\\]\n$`));
    await new Promise((resolve) => taker.close(resolve));
  });

  const wrong: readonly (readonly [line: string, stderr: RegExp])[] = [
    ["port-forward", /^error: TYPE\/NAME and list of ports are required for port-forward/],
    ["port-forward web", /^error: TYPE\/NAME and list of ports are required for port-forward/],
    ["port-forward web 1:2:3", /^error: invalid port format '1:2:3'/],
    ["port-forward web 8080:0", /^error: error parsing remote port '0': want a number from 1 to 65535/],
    ["port-forward web 99999:80", /^error: error parsing local port '99999'/],
    ["port-forward web 8080:ftp", /^error: Pod 'web' does not have a named port 'ftp'/],
    ["port-forward web 80 --address=here", /^error: here is not a valid IP/],
    ["port-forward nope 80", /^Error from server \(NotFound\): pods "nope" not found/],
    ["port-forward node/node-1 80", /^error: node\/node-1 has no pods/],
  ];
  for (const [line, stderr] of wrong) {
    it(`refuses ${line}`, async () => {
      const result = await cli.type(line);
      assert.deepEqual([result.code, result.stdout], [1, ""]);
      assert.match(result.stderr, stderr);
    });
  }

  it("refuses a pod that does not run", async () => {
    await cluster.write("create", podManifest("waiting", { nodeName: "node-1" }));
    const { stderr } = await cli.type("port-forward waiting 80");
    assert.equal(stderr, "error: unable to forward port because pod is not running. Current status=Pending\n");
  });

  it("leads to a Service's pod, by the Service's ports", async () => {
    const ports = [{ name: "main", port: 80, targetPort: "http" }];
    await cluster.write("create", [
      { apiVersion: "v1", kind: "Service", metadata: { name: "shop" }, spec: { selector: { app: "web" }, ports } },
      { apiVersion: "v1", kind: "Service", metadata: { name: "bare" }, spec: { ports } },
      { apiVersion: "v1", kind: "Service", metadata: { name: "idle" }, spec: { selector: { app: "idle" }, ports } },
    ]);
    await using run = cli.start(["port-forward", "service/shop", ":80", ":main"]);
    const port = await localPort(run, 8080);
    dial(port).end("hello");
    const { port: remote, attach } = await nextAttach();
    assert.equal(remote, 8080);
    await until(() => inputOf(attach) === "hello", "the words");
    attach.send(exit);
    for (const [line, want] of [
      ["svc/shop 99", "Service shop does not have a service port 99"],
      ["svc/bare 80", "invalid service 'bare': Service is defined without a selector"],
      ["svc/idle 80", "no pod of service/idle is running (selector app=idle)"],
      ["node/node-1 80", "node/node-1 has no pods"],
    ]) {
      const { stderr, code } = await cli.type(`port-forward ${line}`);
      assert.ok(stderr.includes(want ?? ""), stderr);
      assert.equal(code, 1);
    }
  });

  it("takes a port, two ports, none of its own and a name for a port", () => {
    const pod = cluster.pod("web");
    assert.ok(pod);
    const pairs = ["80", "8080:80", ":80", "0:80", "http", "9090:http"].map((word) => parsePortPair(word, podPorts(pod)));
    assert.deepEqual(
      pairs.map(({ local, remote }) => [local, remote]),
      [[80, 80], [8080, 80], [0, 80], [0, 80], [8080, 8080], [9090, 8080]], // biome-ignore format: a table
    );
  });
});
