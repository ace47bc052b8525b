/* A control plane in the test's own process, over the store in memory, on sockets in a temporary folder. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCidr } from "#core/cidr.ts";
import { createManualClock, type ManualClock } from "#core/clock.ts";
import { createRng } from "#core/rng.ts";
import { createLog } from "#process/log.ts";
import { ClusterService, type WriteAnswer, type WriteResult } from "#proto/podwire/v1/cluster.ts";
import type { Namespace, Node, Pod, Resource } from "#proto/podwire/v1/resources.ts";
import { createRpcClient, type RpcClient } from "#rpc/client.ts";
import { type ControlPlaneOptions, startControlPlane } from "../../control-plane/start.ts";
import { openMemoryStore } from "../../control-plane/store/open-store.ts";
import type { Store } from "../../control-plane/store/store.ts";
import { type FakeAgent, type FakeAgentOptions, type FakeSession, joinFakeAgent } from "./fake-agent.ts";

export const joinToken = "join-token-of-the-test-cluster";
export const userToken = "user-token-of-the-test-cluster";

export interface TestCluster extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  /** Of the Unix socket, for clients. */
  readonly address: string;
  /** `HOST:PORT` where the options asked for one. */
  readonly tcpAddress: string | undefined;
  readonly client: RpcClient<typeof ClusterService>;
  /** Writes one manifest or several in one request. */
  write(
    verb: "create" | "update" | "apply",
    manifests: object | readonly object[],
    options?: WriteOptions,
  ): Promise<WriteResult[]>;
  get(kind: string, name: string, namespace?: string): Promise<Resource>;
  pod(name: string, namespace?: string): Pod | undefined;
  node(name: string): Node | undefined;
  namespace(name: string): Namespace | undefined;
  list(kind: string): Promise<Resource[]>;
  delete(
    kind: string,
    name: string,
    options?: { namespace?: string; gracePeriodSeconds?: number; uid?: string; propagationPolicy?: string },
  ): Promise<boolean>;
  join(name: string, options?: Partial<FakeAgentOptions>): Promise<FakeAgent>;
  /** Joins and opens a session, up to its snapshot. */
  joinReady(name: string, options?: Partial<FakeAgentOptions>): Promise<{ agent: FakeAgent; session: FakeSession }>;
}

interface WriteOptions {
  readonly namespace?: string;
  readonly validate?: string;
  readonly dryRun?: boolean;
}

export async function startTestCluster(options: Partial<ControlPlaneOptions> = {}): Promise<TestCluster> {
  const stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "podwire-test-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const stopping = new AbortController();
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const store = options.store ?? stack.use(openMemoryStore());
  const socket = join(folder, "api.sock");
  const controlPlane = await startControlPlane({
    store,
    clock,
    rng: createRng(1),
    log: createLog({ level: "silent", name: "control-plane" }),
    name: "test",
    podCidr: parseCidr("10.244.0.0/16"),
    nodeCidrPrefix: 24,
    serviceCidr: parseCidr("10.96.0.0/16"),
    balancerCidr: parseCidr("10.97.0.0/24"),
    tokens: { join: joinToken, user: userToken },
    heartbeatTimeoutMs: 3_000,
    timeScale: 1,
    signal: stopping.signal,
    socket,
    ...options,
  });
  stack.use(controlPlane);
  stack.defer(() => stopping.abort());
  const address = `unix:${socket}`;
  const client = stack.adopt(createRpcClient(ClusterService, { address }), (opened) => opened[Symbol.dispose]());
  const signal = stopping.signal;
  const join_ = async (name: string, extra: Partial<FakeAgentOptions> = {}) =>
    stack.use(await joinFakeAgent({ address, name, joinToken, ...extra }));

  const decode = (key: string): unknown => store.get(key)?.value;
  return {
    store,
    clock,
    address,
    tcpAddress: controlPlane.address,
    client,
    async write(verb, manifests, { namespace = "", validate = "", dryRun = false } = {}) {
      const list = Array.isArray(manifests) ? manifests : [manifests];
      const answer: WriteAnswer = await client[verb](
        {
          manifests: list.map((manifest, i) => ({ json: JSON.stringify(manifest), source: `test.yaml, document ${i + 1}` })),
          ...{ namespace, validate, dryRun },
        },
        { signal },
      );
      return answer.results;
    },
    get: (kind, name, namespace = "") => client.get({ kind, name, namespace }, { signal }),
    pod: (name, namespace = "default") => decode(`pods/${namespace}/${name}`) as Pod | undefined,
    node: (name) => decode(`nodes/${name}`) as Node | undefined,
    namespace: (name) => decode(`namespaces/${name}`) as Namespace | undefined,
    async list(kind) {
      const items: Resource[] = [];
      for await (const batch of client.list({ kind, namespace: "", labelSelector: "", fieldSelector: "" }, { signal })) {
        items.push(...batch.items);
      }
      return items;
    },
    async delete(kind, name, { namespace = "", ...rest } = {}) {
      return (await client.delete({ kind, name, namespace, dryRun: false, ...rest }, { signal })).gone;
    },
    join: join_,
    async joinReady(name, extra) {
      const agent = await join_(name, extra);
      const session = agent.openSession();
      await session.ready();
      return { agent, session };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A manifest of a pod with one container. */
export function podManifest(name: string, spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...metadata },
    spec: { containers: [{ name: "main", image: "podwire/toolbox", command: ["sleep", "inf"] }], ...spec },
  };
}
