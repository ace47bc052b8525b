/* A store with one workload, its controller, and a hand that does what nodes do: small enough for thousands of steps. */

import { createManualClock, type ManualClock, timestamp } from "#core/clock.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import { namespaceKind } from "#core/objects/namespace.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { createRng } from "#core/rng.ts";
import { createLog } from "#process/log.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import type { Happening } from "../../control-plane/events/recorder.ts";
import type { Ids } from "../../control-plane/ids.ts";
import { endingOf } from "../../control-plane/server/delete.ts";
import { newObject } from "../../control-plane/server/new-object.ts";
import { findObject, listObjects, metadataOf, nameOf, putObject, updateObject } from "../../control-plane/state/objects.ts";
import { openMemoryStore } from "../../control-plane/store/open-store.ts";
import type { Store } from "../../control-plane/store/store.ts";
import { targetOf } from "../../control-plane/workloads/daemon-pods.ts";
import type { Workload } from "../../control-plane/workloads/workload.ts";
import { workloadController } from "../../control-plane/workloads/workload-controller.ts";

export interface WorkloadWorld<T extends ApiObject> extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly said: readonly Happening[];
  owner(): T;
  pods(): readonly Pod[];
  pod(name: string): Pod | undefined;
  change(next: (owner: T) => T): Promise<void>;
  /** One look of the controller. Answers in how many milliseconds it wants another one. */
  step(): Promise<number | undefined>;
  /** The controller forgets all that it remembers, as after a kill. */
  forget(): void;
  node(name: string, node?: object): Promise<void>;
  run(name: string, ready?: boolean): Promise<void>;
  finish(name: string, phase: "Succeeded" | "Failed"): Promise<void>;
  remove(name: string): Promise<void>;
  /** The node says that a pod which was asked to end has ended. */
  end(name: string): Promise<void>;
  /** Nodes do all that is to be done, until nothing changes. Throws after so many looks. */
  settle(looksMax?: number): Promise<void>;
}

export async function createWorkloadWorld<T extends ApiObject>(
  workload: Workload<T>,
  manifest: object,
): Promise<WorkloadWorld<T>> {
  const store = openMemoryStore();
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const said: Happening[] = [];
  const events = {
    record: (happening: Happening) => void said.push(happening),
    drops: { limited: 0, full: 0, homeless: 0, failed: 0 },
    run: async () => {},
  };
  const ids = countingIds();
  const { kind } = workload;
  const context = { store, clock, events, rng: createRng(1), log: createLog({ level: "silent", name: "test" }) };
  const signal = new AbortController().signal;
  let loop = workloadController(workload, context, ids);
  const put = (writes: Parameters<Store["commit"]>[0]["writes"]) => store.commit({ checks: [], writes });

  const wanted = kind.withDefaults(kind.fromJson(manifest));
  const owner = newObject(
    kind as unknown as Kind,
    { ...wanted, metadata: { ...emptyMetadata, ...wanted.metadata, namespace: "default" } },
    { ids, clock },
  ).object as T;
  const home = namespaceKind.fromJson({ metadata: { name: "default", uid: "home" }, status: { phase: "Active" } });
  await put([putObject(namespaceKind, home), putObject(kind, owner), putObject(nodeKind, readyNode("node-1"))]);
  const key = { namespace: "default", name: nameOf(owner) };

  const changePod = (name: string, change: (pod: Pod) => Pod | undefined) =>
    updateObject(store, podKind, { namespace: "default", name, change });
  const world: WorkloadWorld<T> = {
    store,
    clock,
    said,
    owner: () => findObject(store, kind, key)?.object as T,
    pods: () => listObjects(store, podKind, "default").map(({ object }) => object),
    pod: (name) => findObject(store, podKind, { namespace: "default", name })?.object,
    async change(next) {
      await updateObject(store, kind, {
        ...key,
        change(old) {
          const changed = next(old);
          const metadata = metadataOf(changed);
          return { ...changed, metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 } };
        },
      });
    },
    step: () => loop.run(signal),
    forget() {
      loop = workloadController(workload, context, ids);
    },
    async node(name, node = {}) {
      await put([putObject(nodeKind, readyNode(name, node))]);
    },
    async run(name, ready = true) {
      await changePod(name, (pod) => withPhase(pod, { phase: "Running", ready, now: timestamp(clock) }));
    },
    async finish(name, phase) {
      await changePod(name, (pod) => withPhase(pod, { phase, ready: false, now: timestamp(clock) }));
    },
    async remove(name) {
      const found = findObject(store, podKind, { namespace: "default", name });
      if (found === undefined) return;
      await put(
        endingOf(podKind as unknown as Kind, found.object, { store, nowMs: clock.wallMs(), gracePeriodSeconds: undefined })
          .writes,
      );
    },
    async end(name) {
      const found = findObject(store, podKind, { namespace: "default", name });
      if (found === undefined || metadataOf(found.object).deletionTimestamp === undefined) return;
      await put(
        endingOf(podKind as unknown as Kind, found.object, { store, nowMs: clock.wallMs(), gracePeriodSeconds: 0 }).writes,
      );
    },
    async settle(looksMax = 300) {
      for (let looks = 0; looks < looksMax; looks++) {
        const before = store.revision;
        const waitMs = await world.step();
        for (const pod of world.pods()) {
          if (metadataOf(pod).deletionTimestamp !== undefined) await world.end(nameOf(pod));
          else if (pod.status?.phase === "Pending" || (pod.status?.phase === "Running" && !isReady(pod)))
            await world.run(nameOf(pod));
        }
        if (store.revision !== before) continue;
        if (waitMs === undefined || waitMs > 10_000_000) return;
        await clock.advance(Math.max(1, waitMs));
      }
      throw new Error(`nothing is settled after ${looksMax} looks`);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  return world;
}

function readyNode(name: string, node: object = {}): Node {
  const status = { conditions: [{ type: "Ready", status: "True" }] };
  return nodeKind.fromJson({ metadata: { name, uid: name }, status, ...node });
}

function isReady({ status }: Pod): boolean {
  return status?.conditions.some((one) => one.type === "Ready" && one.status === "True") ?? false;
}

interface Reported {
  readonly phase: string;
  readonly ready: boolean;
  readonly now: string;
}

function withPhase(pod: Pod, { phase, ready, now }: Reported): Pod {
  if (pod.status === undefined || pod.spec === undefined || metadataOf(pod).deletionTimestamp !== undefined) return pod;
  if (pod.status.phase === "Succeeded" || pod.status.phase === "Failed") return pod;
  const conditions = [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: now }];
  const same = pod.status.phase === phase && isReady(pod) === ready;
  return same
    ? pod
    : { ...pod, spec: { ...pod.spec, nodeName: targetOf(pod) || "node-1" }, status: { ...pod.status, phase, conditions } };
}

function countingIds(): Ids {
  let count = 0;
  const next = () => String(count++).padStart(5, "0");
  return { uid: () => `uid-${next()}`, nameSuffix: next, secret: next };
}
