/* The controllers of workloads over a store in memory, without sockets or real time: whoever runs next is drawn from a seed. A node is
 * pretended in the store. The control plane can be killed at any write, and begins anew from what the store has. */

import { createManualClock, type ManualClock } from "#core/clock.ts";
import { AppError, isAppError } from "#core/errors.ts";
import { deploymentKind } from "#core/objects/deployment.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import { namespaceKind } from "#core/objects/namespace.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { replicaSetKind } from "#core/objects/replica-set.ts";
import { createRng } from "#core/rng.ts";
import { createLog } from "#process/log.ts";
import type { Deployment, Pod, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import type { EventRecorder, Happening } from "../../control-plane/events/recorder.ts";
import { isReady } from "../../control-plane/state/conditions.ts";
import type { Loop } from "../../control-plane/state/follow.ts";
import { findObject, listObjects, metadataOf, putObject, unchanged } from "../../control-plane/state/objects.ts";
import { openMemoryStore } from "../../control-plane/store/open-store.ts";
import type { Commit, Store } from "../../control-plane/store/store.ts";
import { deploymentController } from "../../control-plane/workloads/deployment-controller.ts";
import { garbageCollector } from "../../control-plane/workloads/garbage-collector.ts";
import { isActive } from "../../control-plane/workloads/pod-state.ts";
import { replicaSetController } from "../../control-plane/workloads/replica-set-controller.ts";
import { createCountingIds } from "./counting-ids.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Called after each commit of anybody. */
  readonly check?: (simulation: Simulation) => void;
  /** Which pods become Ready; all where it is absent. */
  readonly runs?: (pod: Pod) => boolean;
}

export interface Simulation extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly happenings: readonly Happening[];
  /** Commits of the control plane so far. */
  readonly commitCount: number;
  deployment(): Deployment;
  sets(): readonly ReplicaSet[];
  pods(): readonly Pod[];
  /** What a user writes. */
  write(change: (deployment: Deployment) => Deployment): Promise<void>;
  create(deployment: object): Promise<void>;
  /** In the background. */
  remove(): Promise<void>;
  /** The control plane dies before its commit of that number. */
  killAt(commit: number): void;
  /** Lets everybody act in any order until nobody has anything to do. */
  settle(): Promise<void>;
}

const stepsMax = 5_000;

export async function startSimulation({ seed, check, runs = () => true }: SimulationOptions): Promise<Simulation> {
  const rng = createRng(seed);
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const store = openMemoryStore();
  const happenings: Happening[] = [];
  const events: EventRecorder = {
    record: (happening) => void happenings.push(happening),
    drops: { limited: 0, full: 0, homeless: 0, failed: 0 },
    run: async () => {},
  };
  const ids = createCountingIds();
  let commitCount = 0;
  let fatal = Number.POSITIVE_INFINITY;

  const commit = async (wanted: Commit): Promise<number> => {
    const revision = await store.commit(wanted);
    check?.(simulation);
    return revision;
  };
  const controlPlanesStore: Store = new Proxy(store, {
    get(target, field) {
      if (field !== "commit") return Reflect.get(target, field, target);
      return async (wanted: Commit) => {
        if (commitCount + 1 >= fatal) throw new AppError("unavailable", "killed");
        commitCount += 1;
        return commit(wanted);
      };
    },
  });
  const start = (): Loop[] => {
    const surroundings = {
      store: controlPlanesStore,
      clock,
      rng,
      events,
      log: createLog({ level: "silent", name: "simulation" }),
    };
    return [deploymentController(surroundings, ids), replicaSetController(surroundings, ids), garbageCollector(surroundings)];
  };
  let loops = start();

  const runLoop = async (loop: Loop): Promise<boolean> => {
    const before = store.revision;
    try {
      await loop.run(new AbortController().signal);
    } catch (error) {
      if (isAppError(error, "unavailable")) {
        fatal = Number.POSITIVE_INFINITY;
        loops = start();
      } else if (!isAppError(error, "conflict")) throw error;
      return true;
    }
    return store.revision !== before;
  };

  /** One pod's next step on its node: bound and Ready, or gone. */
  const runNode = async (): Promise<boolean> => {
    const waiting = listObjects(store, podKind).filter(({ object }) => !isActive(object) || (!isReady(object) && runs(object)));
    const found = waiting[Math.floor(rng.next() * waiting.length)];
    if (found === undefined) return false;
    const { object, entry, key } = found;
    if (!isActive(object)) await commit({ checks: [unchanged(entry)], writes: [{ type: "delete", key }] });
    else await commit({ checks: [unchanged(entry)], writes: [putObject(podKind, ready(object, clock))] });
    return true;
  };

  const simulation: Simulation = {
    store,
    clock,
    happenings,
    get commitCount() {
      return commitCount;
    },
    deployment() {
      const found = findObject(store, deploymentKind, { namespace: "default", name: "web" });
      if (found === undefined) throw new Error("there is no Deployment");
      return found.object;
    },
    sets: () => listObjects(store, replicaSetKind).map(({ object }) => object),
    pods: () => listObjects(store, podKind).map(({ object }) => object),
    async create(json) {
      const made = deploymentKind.withDefaults(deploymentKind.fromJson(json));
      const metadata = { ...metadataOf(made), name: "web", namespace: "default", uid: "uid-web", generation: 1 };
      await commit({ checks: [], writes: [putObject(deploymentKind, { ...made, metadata, status: { conditions: [] } })] });
    },
    async write(change) {
      const found = findObject(store, deploymentKind, { namespace: "default", name: "web" });
      if (found === undefined) throw new Error("there is no Deployment");
      const metadata = metadataOf(found.object);
      const next = { ...change(found.object), metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 } };
      await commit({ checks: [], writes: [putObject(deploymentKind, next)] });
    },
    async remove() {
      await commit({ checks: [], writes: [{ type: "delete", key: "deployments/default/web" }] });
    },
    killAt: (number) => {
      fatal = number;
    },
    async settle() {
      for (let step = 0; step < stepsMax; step++) {
        const actors = [...loops.map((loop) => () => runLoop(loop)), runNode, runNode];
        const actor = actors[Math.floor(rng.next() * actors.length)];
        if ((await actor?.()) === true) continue;
        let moved = false;
        for (const other of actors) moved ||= await other();
        if (!moved) return;
      }
      throw new Error(`nobody came to rest (seed ${seed})`);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };

  const named = (name: string) => ({ ...emptyMetadata, name, uid: `uid-of-${name}` });
  await store.commit({
    checks: [],
    writes: [
      putObject(namespaceKind, { metadata: named("default"), spec: undefined, status: undefined }),
      putObject(nodeKind, { metadata: named("node-1"), spec: undefined, status: undefined }),
    ],
  });
  return simulation;
}

function ready(pod: Pod, clock: ManualClock): Pod {
  const lastTransitionTime = new Date(clock.wallMs()).toISOString();
  return podKind.fromJson({
    ...(podKind.toJson(pod) as object),
    spec: { ...(podKind.toJson(pod) as { spec: object }).spec, nodeName: "node-1" },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime }] },
  });
}
