/* A node agent without a node: it speaks the real protocol over real gRPC, believes what it is told, and says what a test lets it say. */

import { createQueue, type Queue } from "#core/queue.ts";
import {
  AgentService,
  type Hello,
  type OpenStream,
  type PodReport,
  type SessionUp,
  type Welcome,
} from "#proto/podwire/v1/agent.ts";
import type { Pod, PodStatus } from "#proto/podwire/v1/resources.ts";
import type { StreamInput, StreamOutput } from "#proto/podwire/v1/streams.ts";
import { createRpcClient } from "#rpc/client.ts";
import type { NodeView } from "./fake-agent-view.ts";
import { applyChanges, emptyNodeView } from "./fake-agent-view.ts";
import { until } from "./until.ts";

export interface FakeAgentOptions {
  readonly address: string;
  readonly name: string;
  readonly joinToken: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly previousPodCIDR?: string;
}

export interface FakeAgent extends AsyncDisposable {
  readonly name: string;
  readonly credential: string;
  openSession(hello?: Partial<Hello>): FakeSession;
  /** Serves one stream that the session was asked for. */
  attach(request: OpenStream): FakeAttach;
}

export interface FakeSession extends AsyncDisposable {
  readonly view: NodeView;
  readonly welcome: Welcome | undefined;
  /** Requests to open a stream, in their order. */
  readonly streams: readonly OpenStream[];
  /** The ids of streams whose users are gone. */
  readonly closedStreams: readonly string[];
  /** How many messages came. */
  readonly messageCount: number;
  send(message: NonNullable<SessionUp["message"]>): void;
  heartbeat(): void;
  report(report: Partial<PodReport> & Pick<PodReport, "name" | "uid">): void;
  /** Says of a pod that all its containers run. */
  reportRunning(pod: Pod, podIP?: string): void;
  /** Resolves when the snapshot is complete; throws what ended the session before. */
  ready(): Promise<void>;
  /** Resolves with what ended the session; undefined where it ended without an error. */
  readonly ended: Promise<unknown>;
  /** As kill -9 does. */
  kill(): void;
}

export interface FakeAttach {
  readonly inputs: readonly StreamInput[];
  send(output: StreamOutput): void;
  /** Resolves when the call is over. */
  readonly ended: Promise<unknown>;
  kill(): void;
}

let bootCount = 0;

export async function joinFakeAgent(options: FakeAgentOptions): Promise<FakeAgent> {
  const { address, name, joinToken } = options;
  const stack = new AsyncDisposableStack();
  const client = stack.adopt(createRpcClient(AgentService, { address }), (opened) => opened[Symbol.dispose]());
  const { credential } = await client.join(
    { nodeName: name, labels: { ...options.labels }, previousPodCIDR: options.previousPodCIDR ?? "" },
    { signal: AbortSignal.timeout(10_000), metadata: { authorization: `Bearer ${joinToken}` } },
  );
  const metadata = { "podwire-node": name, authorization: `Bearer ${credential}` };
  return {
    name,
    credential,
    openSession(hello) {
      const session = openSession(address, metadata, { name, hello });
      stack.use(session);
      return session;
    },
    attach(request) {
      const attach = openAttach(address, { ...metadata, "podwire-stream": request.streamId });
      stack.defer(() => attach.kill());
      return attach;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function openSession(
  address: string,
  metadata: Readonly<Record<string, string>>,
  { name, hello }: { readonly name: string; readonly hello: Partial<Hello> | undefined },
): FakeSession {
  const client = createRpcClient(AgentService, { address, metadata });
  const controller = new AbortController();
  const up: Queue<SessionUp> = createQueue<SessionUp>({ limit: 10_000, whenFull: "fail" }, controller.signal);
  const send = (message: NonNullable<SessionUp["message"]>) => void up.offer({ message });
  bootCount += 1;
  send({
    $case: "hello",
    value: {
      bootId: `boot-${bootCount}`,
      internalIP: addressOf(name),
      tunnelEndpoint: `${addressOf(name)}:4789`,
      heldEpoch: 0,
      heldPodCIDR: "",
      heldPodUids: [],
      capacity: { pods: "110" },
      ...hello,
    },
  });
  const seen = { view: emptyNodeView, welcome: undefined as Welcome | undefined, messageCount: 0, synced: false, over: false };
  const streams: OpenStream[] = [];
  const closedStreams: string[] = [];
  const read = async (): Promise<unknown> => {
    try {
      for await (const { message } of client.session(up, { signal: controller.signal })) {
        seen.messageCount += 1;
        if (message?.$case === "welcome") seen.welcome = message.value;
        if (message?.$case === "openStream") streams.push(message.value);
        if (message?.$case === "closeStream") closedStreams.push(message.value);
        if (message?.$case === "changes") {
          seen.view = applyChanges(seen.view, message.value);
          seen.synced ||= message.value.snapshotEnd;
        }
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      seen.over = true;
      client[Symbol.dispose]();
    }
  };
  const ended = read();
  const kill = () => controller.abort();
  const report: FakeSession["report"] = (value) =>
    send({ $case: "podReport", value: { namespace: "default", gone: false, ...value } });
  return {
    get view() {
      return seen.view;
    },
    get welcome() {
      return seen.welcome;
    },
    get messageCount() {
      return seen.messageCount;
    },
    streams,
    closedStreams,
    send,
    heartbeat: () => send({ $case: "heartbeat", value: { sequence: 1 } }),
    report,
    reportRunning(pod, podIP = "10.244.0.2") {
      const { namespace = "default", name: podName = "", uid = "" } = pod.metadata ?? {};
      report({ namespace, name: podName, uid, status: runningStatus(pod, podIP) });
    },
    async ready() {
      await until(() => seen.synced || seen.over, `the snapshot of ${name}`);
      if (!seen.synced) throw await ended;
    },
    ended,
    kill,
    async [Symbol.asyncDispose]() {
      kill();
      await ended;
    },
  };
}

function openAttach(address: string, metadata: Readonly<Record<string, string>>): FakeAttach {
  const client = createRpcClient(AgentService, { address, metadata });
  const controller = new AbortController();
  const outputs = createQueue<StreamOutput>({ limit: 10_000, whenFull: "fail" }, controller.signal);
  const inputs: StreamInput[] = [];
  const read = async (): Promise<unknown> => {
    try {
      for await (const input of client.attach(outputs, { signal: controller.signal })) inputs.push(input);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      client[Symbol.dispose]();
    }
  };
  return { inputs, send: (output) => void outputs.offer(output), ended: read(), kill: () => controller.abort() };
}

function runningStatus(pod: Pod, podIP: string): PodStatus {
  return {
    phase: "Running",
    podIP,
    podIPs: [{ ip: podIP }],
    hostIPs: [],
    initContainerStatuses: [],
    conditions: [
      { type: "Ready", status: "True" },
      { type: "ContainersReady", status: "True" },
    ],
    containerStatuses: (pod.spec?.containers ?? []).map(({ name }) => ({
      name,
      ready: true,
      restartCount: 0,
      state: { running: {} },
    })),
  };
}

/** Node-3 is 192.168.0.3, node-300 is 192.168.1.44; a name without a number is 192.168.255.250. */
function addressOf(name: string): string {
  const number = Number(/([0-9]+)$/.exec(name)?.[1] ?? 0xfffa);
  return `192.168.${(number >> 8) & 255}.${number & 255}`;
}
