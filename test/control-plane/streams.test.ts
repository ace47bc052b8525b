import assert from "node:assert/strict";
import { type AppError, type ErrorKind, isAppError } from "#core/errors.ts";
import { createQueue, type Queue } from "#core/queue.ts";
import type { AttachRequest, ExecRequest, PortForwardRequest } from "#proto/podwire/v1/cluster.ts";
import type { ExecStart, StreamOutput } from "#proto/podwire/v1/streams.ts";
import { podManifest, startTestCluster, type TestCluster } from "../support/control-plane.ts";
import type { FakeAgent, FakeSession } from "../support/fake-agent.ts";
import { until } from "../support/until.ts";

interface ExecCall extends Disposable {
  readonly outputs: readonly StreamOutput[];
  readonly requests: Queue<ExecRequest>;
  stdin(text: string): void;
  /** What ended the call; undefined where that was its ordinary end. */
  readonly ended: Promise<unknown>;
}

function exec(cluster: TestCluster, start: Partial<ExecStart> = {}): ExecCall {
  const controller = new AbortController();
  const requests = createQueue<ExecRequest>({ limit: 1_000, whenFull: "fail" }, controller.signal);
  const value: ExecStart = { namespace: "", pod: "web", container: "", command: ["cat"], stdin: true, tty: false, ...start };
  requests.offer({ message: { $case: "start", value } });
  const outputs: StreamOutput[] = [];
  const read = async () => {
    for await (const output of cluster.client.exec(requests, { signal: controller.signal })) outputs.push(output);
  };
  return {
    outputs,
    requests,
    stdin: (text) =>
      void requests.offer({ message: { $case: "input", value: { frame: { $case: "stdin", value: Buffer.from(text) } } } }),
    ended: read().then(
      () => undefined,
      (error) => error,
    ),
    [Symbol.dispose]: () => controller.abort(),
  };
}

interface Running extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly agent: FakeAgent;
  readonly session: FakeSession;
}

/** A cluster with a pod `web` that runs on node-1. */
async function startWithPod(): Promise<Running> {
  const cluster = await startTestCluster({ heartbeatTimeoutMs: 60_000 });
  const { agent, session } = await cluster.joinReady("node-1");
  await cluster.write("create", podManifest("web"));
  session.reportRunning(await until(() => [...session.view.pods.values()][0], "the pod"));
  await until(() => cluster.pod("web")?.status?.phase === "Running", "the pod's phase");
  return { cluster, agent, session, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
}

const exit = (code: number): StreamOutput => ({ frame: { $case: "exit", value: { code } } });
const stdout = (text: string): StreamOutput => ({ frame: { $case: "stdout", value: Buffer.from(text) } });
const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

describe("Exec", () => {
  it("asks the node for a stream, pipes both ways, and ends with the process", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    using call = exec(cluster);
    const request = await until(() => session.streams[0], "the request to open a stream");
    assert.match(request.streamId, /^[0-9a-f]{32}$/);
    assert.equal(request.start?.$case, "exec");
    assert.deepEqual(request.start.value, {
      ...{ namespace: "default", pod: "web", container: "main", command: ["cat"], stdin: true, tty: false },
    });
    const attach = agent.attach(request);
    call.stdin("hello");
    const input = await until(() => attach.inputs[0], "the input at the agent");
    assert.equal(input.frame?.$case === "stdin" ? textOf(input.frame.value) : "", "hello");
    attach.send(stdout("echo"));
    attach.send(exit(3));
    assert.equal(await call.ended, undefined);
    assert.deepEqual(
      call.outputs.map(({ frame }) => frame?.$case),
      ["stdout", "exit"],
    );
    assert.equal(await attach.ended, undefined, "the agent's call ends too");
    assert.deepEqual(session.closedStreams, [], "nobody left before the end");
  });

  it("passes every byte in order while both sides are slow", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    using call = exec(cluster);
    const attach = agent.attach(await until(() => session.streams[0], "the request"));
    const chunk = Buffer.alloc(32 * 1024, "x");
    for (let i = 0; i < 300; i++)
      attach.send({ frame: { $case: "stdout", value: Buffer.concat([Buffer.from(`${i} `), chunk]) } });
    attach.send(exit(0));
    assert.equal(await call.ended, undefined);
    const numbers = call.outputs.flatMap(({ frame }) =>
      frame?.$case === "stdout" ? [Number.parseInt(textOf(frame.value.subarray(0, 8)), 10)] : [],
    );
    assert.deepEqual(
      numbers,
      Array.from({ length: 300 }, (_, i) => i),
    );
  });

  it("goes on after the user has half-closed, which says nothing", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    using call = exec(cluster);
    const attach = agent.attach(await until(() => session.streams[0], "the request"));
    call.requests.end();
    attach.send(stdout("still here"));
    await until(() => call.outputs.length === 1, "output after the half-close");
    attach.send(exit(0));
    assert.equal(await call.ended, undefined);
  });

  it("ends the agent's call when the user's is cancelled", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    const call = exec(cluster);
    const request = await until(() => session.streams[0], "the request");
    const attach = agent.attach(request);
    attach.send(stdout("running"));
    await until(() => call.outputs.length === 1, "the stream");
    call[Symbol.dispose]();
    assert.equal(await attach.ended, undefined);
    await until(() => session.closedStreams.length > 0, "word that the user is gone");
    assert.deepEqual(session.closedStreams, [request.streamId]);
    assert.ok(!attach.inputs.some(({ frame }) => frame?.$case === "stdinEnd"), "no end of input was pretended");
  });

  it("is unavailable when the agent breaks off", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    using call = exec(cluster);
    const attach = agent.attach(await until(() => session.streams[0], "the request"));
    attach.send(stdout("running"));
    await until(() => call.outputs.length === 1, "the stream");
    attach.kill();
    assert.ok(isAppError(await call.ended, "unavailable"));
  });

  it("is unavailable when the agent does not dial back within 5 s, or its session ends first", async () => {
    await using running = await startWithPod();
    const { cluster, session } = running;
    using late = exec(cluster);
    await until(() => session.streams.length === 1, "the request");
    await cluster.clock.advance(5_000);
    assert.match(String(await late.ended), /did not open the stream within 5 s/);
    using lost = exec(cluster);
    await until(() => session.streams.length === 2, "the second request");
    session.kill();
    assert.ok(isAppError(await lost.ended, "unavailable"));
  });

  it("gives its stream to the node that was asked, once", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    const other = await cluster.join("node-2");
    using call = exec(cluster);
    const request = await until(() => session.streams[0], "the request");
    assert.ok(isAppError(await other.attach(request).ended, "not-found"), "another node");
    const attach = agent.attach(request);
    attach.send(stdout("mine"));
    await until(() => call.outputs.length === 1, "the stream");
    assert.ok(isAppError(await agent.attach(request).ended, "not-found"), "a second time");
    assert.ok(isAppError(await agent.attach({ streamId: "f".repeat(32) }).ended, "not-found"), "a guess");
  });

  it("serves 256 streams a node, and one more when one of them has ended", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    using opened = new DisposableStack();
    const calls = Array.from({ length: 256 }, () => opened.use(exec(cluster)));
    await until(() => session.streams.length === 256, "256 requests");
    const attaches = session.streams.map((request) => agent.attach(request));
    for (const attach of attaches) attach.send(stdout("here"));
    await until(() => calls.every(({ outputs }) => outputs.length === 1), "256 streams");
    assert.ok(isAppError(await exec(cluster).ended, "exhausted"));
    attaches[0]?.send(exit(0));
    await calls[0]?.ended;
    using again = exec(cluster);
    const attach = agent.attach(await until(() => session.streams[256], "one more request"));
    attach.send(exit(0));
    assert.equal(await again.ended, undefined);
  });

  const refusals: {
    readonly title: string;
    readonly start?: Partial<ExecStart>;
    readonly act?: (running: Running) => unknown;
    readonly kind: ErrorKind;
    readonly says: RegExp;
  }[] = [
    { title: "a pod that isn't there", start: { pod: "nobody" }, kind: "not-found", says: /^pods "nobody" not found$/ },
    {
      title: "a container that isn't there",
      start: { container: "side" },
      kind: "invalid",
      says: /^container side is not valid for pod web: it has main$/,
    },
    { title: "no command", start: { command: [] }, kind: "invalid", says: /at least one command/ },
    {
      title: "an unbound pod",
      start: { pod: "unbound" },
      kind: "failed-precondition",
      says: /^pod unbound does not have a host assigned$/,
    },
    {
      title: "a pod that does not run yet",
      start: { pod: "waiting" },
      kind: "failed-precondition",
      says: /^container "main" of pod "waiting" is not running$/,
    },
    {
      title: "a completed pod",
      act: complete,
      kind: "failed-precondition",
      says: /^cannot exec into a container in a completed pod; current phase is Succeeded$/,
    },
    {
      title: "a node without a session",
      act: async ({ session, cluster }) => {
        session.kill();
        await cluster.clock.advance(60_000);
      },
      kind: "unavailable",
      says: /^node "node-1" is not ready: its agent has no session$/,
    },
  ];
  for (const { title, start, act, kind, says } of refusals) {
    it(`refuses ${title}`, async () => {
      await using running = await startWithPod();
      await running.cluster.write("create", [
        podManifest("unbound", { nodeSelector: { no: "node" } }),
        podManifest("waiting", { nodeName: "node-1" }),
      ]);
      await act?.(running);
      const error = (await exec(running.cluster, start).ended) as AppError;
      assert.equal(error.kind, kind);
      assert.match(error.message, says);
    });
  }
});

describe("Logs", () => {
  it("is a stream that the agent writes, without input", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    const request = { namespace: "", pod: "web", container: "", follow: true, tailLines: 5, previous: false, timestamps: false };
    const outputs: StreamOutput[] = [];
    const read = async () => {
      for await (const output of cluster.client.logs(request, { signal: AbortSignal.timeout(10_000) })) outputs.push(output);
    };
    const ended = read();
    const asked = await until(() => session.streams[0], "the request");
    const absent = { sinceSeconds: undefined, sinceTime: undefined, limitBytes: undefined };
    assert.deepEqual(asked.start, { $case: "logs", value: { ...absent, ...request, namespace: "default", container: "main" } });
    const attach = agent.attach(asked);
    attach.send(stdout("line"));
    attach.send(exit(0));
    await ended;
    assert.equal(outputs.length, 2);
    assert.deepEqual(attach.inputs, []);
  });

  it("of a container that has not started is refused with the reason", async () => {
    await using running = await startWithPod();
    await running.cluster.write("create", podManifest("waiting", { nodeName: "node-1" }));
    const request = { namespace: "", pod: "waiting", container: "", follow: false, previous: false, timestamps: false };
    const call = running.cluster.client.logs(request, { signal: AbortSignal.timeout(10_000) });
    await assert.rejects(call.next(), /container "main" in pod "waiting" is waiting to start: ContainerCreating/);
  });
});

describe("Attach", () => {
  it("asks the node for the container's own streams, and ends with the container", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    const value = { namespace: "", pod: "web", container: "", stdin: true };
    const requests = createQueue<AttachRequest>({ limit: 10, whenFull: "fail" }, AbortSignal.timeout(10_000));
    requests.offer({ message: { $case: "start", value } });
    requests.offer({ message: { $case: "input", value: { frame: { $case: "stdin", value: Buffer.from("hi") } } } });
    const ended = endOf(cluster.client.attach(requests, { signal: AbortSignal.timeout(10_000) }));
    const asked = await until(() => session.streams[0], "the request");
    assert.deepEqual(asked.start, { $case: "attach", value: { ...value, namespace: "default", container: "main" } });
    const attach = agent.attach(asked);
    await until(() => attach.inputs.length === 1, "the input");
    attach.send(exit(0));
    assert.equal(await ended, undefined);
  });

  it("of a completed pod is refused", async () => {
    await using running = await startWithPod();
    await complete(running);
    const start = { $case: "start" as const, value: { namespace: "", pod: "web", container: "", stdin: false } };
    const call = running.cluster.client.attach(only({ message: start }), { signal: AbortSignal.timeout(10_000) });
    await assert.rejects(call.next(), /^AppError: cannot attach a container in a completed pod; current phase is Succeeded$/);
  });
});

describe("PortForward", () => {
  const startOf = (pod: string) => ({ message: { $case: "start" as const, value: { namespace: "", pod, port: 80 } } });

  it("asks the node for one connection to the pod's port, and carries bytes both ways", async () => {
    await using running = await startWithPod();
    const { cluster, agent, session } = running;
    const requests = createQueue<PortForwardRequest>({ limit: 10, whenFull: "fail" }, AbortSignal.timeout(10_000));
    requests.offer(startOf("web"));
    const call = cluster.client.portForward(requests, { signal: AbortSignal.timeout(10_000) });
    const first = call.next();
    const asked = await until(() => session.streams[0], "the request");
    assert.deepEqual(asked.start, { $case: "portForward", value: { namespace: "default", pod: "web", port: 80 } });
    const attach = agent.attach(asked);
    requests.offer({ message: { $case: "input", value: { frame: { $case: "stdin", value: Buffer.from("GET") } } } });
    await until(() => attach.inputs.length === 1, "the input");
    attach.send(stdout("200"));
    const answer = (await first).value;
    assert.equal(answer?.frame?.$case === "stdout" ? textOf(answer.frame.value) : "", "200");
    attach.send(exit(0));
    assert.equal(await endOf(call), undefined);
  });

  it("to a pod that does not run is refused as kubectl does", async () => {
    await using running = await startWithPod();
    await running.cluster.write("create", podManifest("waiting", { nodeName: "node-1" }));
    const call = running.cluster.client.portForward(only(startOf("waiting")), { signal: AbortSignal.timeout(10_000) });
    await assert.rejects(call.next(), /unable to forward port because pod is not running. Current status=Pending$/);
    await complete(running);
    const late = running.cluster.client.portForward(only(startOf("web")), { signal: AbortSignal.timeout(10_000) });
    await assert.rejects(late.next(), /Current status=Succeeded$/);
  });

  it("must begin with its start, once", async () => {
    await using running = await startWithPod();
    const input = { message: { $case: "input" as const, value: { frame: { $case: "stdinEnd" as const, value: {} } } } };
    const call = running.cluster.client.portForward(only(input), { signal: AbortSignal.timeout(10_000) });
    await assert.rejects(call.next(), /the first message of port-forward must be its start/);
  });
});

describe("a container that nobody named", () => {
  const two = (metadata: object) =>
    podManifest(
      "two",
      {
        nodeName: "node-1",
        containers: ["first", "second"].map((name) => ({ name, image: "podwire/toolbox", command: ["sleep", "inf"] })),
      },
      metadata,
    );
  const cases: readonly (readonly [sentence: string, metadata: object, want: string])[] = [
    ["is the pod's first", {}, "first"],
    ["is the one of the annotation", { annotations: { "kubectl.kubernetes.io/default-container": "second" } }, "second"],
    [
      "is the first where the annotation names none",
      { annotations: { "kubectl.kubernetes.io/default-container": "x" } },
      "first",
    ],
  ];
  for (const [sentence, metadata, want] of cases) {
    it(sentence, async () => {
      await using running = await startWithPod();
      const { cluster, session } = running;
      await cluster.write("create", two(metadata));
      const pod = await until(() => [...session.view.pods.values()].find((each) => each.metadata?.name === "two"), "the pod");
      session.reportRunning(pod);
      await until(() => cluster.pod("two")?.status?.phase === "Running", "the pod's phase");
      using _call = exec(cluster, { pod: "two" });
      const { start } = await until(() => session.streams[0], "the request");
      assert.equal(start?.$case === "exec" ? start.value.container : "", want);
    });
  }
});

async function* only<T>(message: T): AsyncGenerator<T, void, undefined> {
  yield message;
}

async function endOf(outputs: AsyncIterable<StreamOutput>): Promise<unknown> {
  try {
    for await (const _output of outputs);
    return undefined;
  } catch (error) {
    return error;
  }
}

async function complete({ session, cluster }: Running): Promise<void> {
  const uid = cluster.pod("web")?.metadata?.uid ?? "";
  const none = { conditions: [], hostIPs: [], podIPs: [], containerStatuses: [], initContainerStatuses: [] };
  session.report({ name: "web", uid, status: { phase: "Succeeded", ...none } });
  await until(() => cluster.pod("web")?.status?.phase === "Succeeded", "the end of the pod");
}
