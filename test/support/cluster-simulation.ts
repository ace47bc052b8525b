/* The whole control plane with pretended nodes, in one process, over a store in memory, without sockets or real time. All chance comes from
 * a seed: the same seed is the same history. */

import { setImmediate as turn } from "node:timers/promises";
import { parseCidr } from "#core/cidr.ts";
import { createManualClock, type ManualClock } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import { createRng, type Rng } from "#core/rng.ts";
import { createLog } from "#process/log.ts";
import type { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { Handlers } from "#rpc/server.ts";
import { type ControlPlane, startControlPlane } from "../../control-plane/start.ts";
import { openMemoryStore } from "../../control-plane/store/open-store.ts";
import type { Store } from "../../control-plane/store/store.ts";
import { createCountingIds } from "./counting-ids.ts";
import { SimulatedNode, type SimulatedNodeOptions } from "./simulated-node.ts";

export interface ClusterSimulation extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly rng: Rng;
  readonly nodes: readonly SimulatedNode[];
  /** What happened, a line each, for whoever reads a failure. */
  readonly history: readonly string[];
  /** "" where it was done, else why not. */
  user(act: (handlers: Handlers<typeof ClusterService>, context: UserContext) => Promise<unknown>): Promise<string>;
  tell(what: string): void;
  /** One more, with the next number; it joins in its first second. */
  addNode(options?: Pick<SimulatedNodeOptions, "labels" | "capacity">): SimulatedNode;
  killControlPlane(): Promise<void>;
  /** A second for everybody. */
  second(): Promise<void>;
}

interface UserContext {
  readonly signal: AbortSignal;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly nodeCount: number;
  readonly timeScale: number;
  /** 10.244.0.0/16 where it is absent. */
  readonly podCidr?: string;
  /** For all nodes: see SimulatedNodeOptions. */
  readonly keepsPeers?: boolean;
  readonly loadOf?: SimulatedNodeOptions["loadOf"];
  /** Of the first nodes. */
  readonly labels?: SimulatedNodeOptions["labels"];
  readonly capacity?: SimulatedNodeOptions["capacity"];
}

/** Turns of the event loop until nobody has anything to do: each is a hop from one loop to the next. */
const turnsOfASecond = 48;

export async function startClusterSimulation({
  seed,
  nodeCount,
  timeScale,
  podCidr = "10.244.0.0/16",
  keepsPeers,
  loadOf,
  labels,
  capacity,
}: SimulationOptions): Promise<ClusterSimulation> {
  const rng = createRng(seed);
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const store = openMemoryStore();
  const history: string[] = [];
  const ids = createCountingIds();
  let running: { readonly controlPlane: ControlPlane; readonly stop: AbortController } | undefined;
  const start = async () => {
    const stop = new AbortController();
    const controlPlane = await startControlPlane({
      ...{ store, clock, rng, ids, timeScale, signal: stop.signal, name: "simulated", tokens: {} },
      log: createLog({ level: "silent", name: "simulated" }),
      ...{ podCidr: parseCidr(podCidr), nodeCidrPrefix: 24, heartbeatTimeoutMs: 3_000 },
      ...{ serviceCidr: parseCidr("10.96.0.0/16"), balancerCidr: parseCidr("10.97.0.0/24") },
    });
    running = { controlPlane, stop };
  };
  const stop = async () => {
    if (running === undefined) return;
    const { controlPlane, stop } = running;
    running = undefined;
    stop.abort();
    await controlPlane.ended.catch(() => {});
  };
  await start();
  const nodes: SimulatedNode[] = [];
  let number = 0;
  const addNode: ClusterSimulation["addNode"] = (own = {}) => {
    number += 1;
    const node = new SimulatedNode({
      ...{ name: `node-${number}`, number, rng, clock, keepsPeers, loadOf, ...own },
      agents: () => running?.controlPlane.handlers.agents,
    });
    nodes.push(node);
    return node;
  };
  for (let i = 0; i < nodeCount; i++) addNode({ labels, capacity });
  const tell = (what: string) => void history.push(`${Math.round(clock.monotonicMs() / 1000)} s: ${what}`);
  return {
    ...{ store, clock, rng, nodes, history, tell, addNode },
    async user(act) {
      if (running === undefined) return "there is no control plane";
      try {
        await act(running.controlPlane.handlers.users, { signal: new AbortController().signal, metadata: {} });
        return "";
      } catch (error) {
        if (!isAppError(error)) throw error;
        return error.message;
      }
    },
    async killControlPlane() {
      tell("the control plane is killed");
      for (const node of nodes) node.dropSession();
      await stop();
      await start();
    },
    async second() {
      for (const node of nodes) await node.tick(clock.monotonicMs());
      for (let count = 0; count < turnsOfASecond / 2; count++) await turn();
      await clock.advance(1_000);
      for (let count = 0; count < turnsOfASecond / 2; count++) await turn();
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) node.cutPower();
      await stop();
      await store[Symbol.asyncDispose]();
    },
  };
}
