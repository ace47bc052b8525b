import { timestamp } from "#core/clock.ts";
import { deploymentKind } from "#core/objects/deployment.ts";
import type { Kind } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { podKind } from "#core/objects/pod.ts";
import { replicaSetKind } from "#core/objects/replica-set.ts";
import type { Deployment, Namespace, Pod, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, referenceTo } from "../events/recorder.ts";
import type { Ids } from "../ids.ts";
import { endingOf } from "../server/delete.ts";
import { type Making, newObject } from "../server/new-object.ts";
import type { Loop } from "../state/follow.ts";
import { type Found, listObjects, metadataOf, nameOf, putObject, sameObject, unchanged } from "../state/objects.ts";
import type { Check, Store, StoreChange, Write } from "../store/store.ts";
import { carryOutPlanned, type Step } from "./commits.ts";
import { openNamespace } from "./open-namespace.ts";
import { controllerOf } from "./owners.ts";
import { type DeploymentPlan, planDeployment } from "./plan-deployment.ts";
import { createPlanMemo } from "./plan-memo.ts";
import { hasEnded } from "./pod-state.ts";
import type { WorkloadSurroundings } from "./replica-set-controller.ts";
import { isRolling } from "./rollout-size.ts";

/** Carries each Deployment's present template out, ReplicaSet by ReplicaSet. */
export function deploymentController({ store, clock, events, log }: WorkloadSurroundings, ids: Ids): Loop {
  const memo = createPlanMemo();
  return {
    name: "deployments",
    prefixes: ["deployments/", "replicasets/", "pods/"],
    concerns,
    async run() {
      const nowMs = clock.wallMs();
      const deployments = listObjects(store, deploymentKind);
      const sets = Map.groupBy(listObjects(store, replicaSetKind), ownerKey);
      const steps = deployments.flatMap((found): Step[] => {
        const { namespace = "", uid = "" } = metadataOf(found.object);
        const candidates = [...(sets.get(uid) ?? []), ...(sets.get(freeIn(namespace)) ?? [])];
        const populated = isRolling(found.object.spec) ? nobody : populatedSets(store, namespace);
        const basis = [found.entry, ...candidates.map(({ entry }) => entry), ...populated];
        const home = openNamespace(store, namespace);
        if (home === undefined || !memo.isNews(found.key, basis, nowMs)) return [];
        const plan = planDeployment({
          ...{ deployment: found.object, populated, now: timestamp(clock), nowMs, timerMs: clock.timerMs },
          candidates: candidates.map(({ object }) => object),
          isTaken: (name) => store.get(keyOf(replicaSetKind, namespace, name)) !== undefined,
        });
        memo.remember(found.key, basis, plan.dueMs);
        return [stepFor({ found, home, candidates, plan }, { store, clock, ids, events })];
      });
      memo.keepOnly(deployments.map(({ key }) => key));
      await carryOutPlanned(store, memo, steps);
      if (steps.length > 0) log.debug({ deployments: steps.length }, "deployments were looked at");
      return memo.waitMs(nowMs);
    },
  };
}

/** Of pods only their end: Recreate waits for it. */
function concerns(change: StoreChange): boolean {
  if (change.type === "delete") return true;
  if (!change.entry.key.startsWith("pods/")) return true;
  return hasEnded(change.entry.value as Pod);
}

const nobody: ReadonlySet<string> = new Set();

function ownerKey({ object }: Found<ReplicaSet>): string {
  return controllerOf(object)?.uid ?? freeIn(object.metadata?.namespace ?? "");
}

/** No uid has a slash. */
function freeIn(namespace: string): string {
  return `${namespace}/`;
}

function populatedSets(store: Store, namespace: string): ReadonlySet<string> {
  const pods = listObjects(store, podKind, namespace).filter(({ object }) => !hasEnded(object));
  return new Set(pods.flatMap(({ object }) => controllerOf(object)?.uid ?? []));
}

interface StepInput {
  readonly found: Found<Deployment>;
  /** Its namespace. */
  readonly home: Found<Namespace>;
  readonly candidates: readonly Found<ReplicaSet>[];
  readonly plan: DeploymentPlan;
}

interface StepContext extends Making {
  readonly store: Store;
  readonly events: EventRecorder;
}

/** One commit: that a set was made, its Deployment's revision and its status are never told apart. */
function stepFor({ found, home, candidates, plan }: StepInput, { store, events, ...making }: StepContext): Step {
  const entries = new Map(candidates.map(({ object, entry }) => [object, entry]));
  const removed = new Set(plan.remove);
  const changed = [...plan.change].filter(
    ([before, after]) => !removed.has(before) && !sameObject(replicaSetKind, before, after),
  );
  const made = plan.create && (newObject(replicaSetKind as unknown as Kind, plan.create, making).object as ReplicaSet);
  const ending = { store, nowMs: making.clock.wallMs(), gracePeriodSeconds: undefined };
  const touched = [...changed.map(([before]) => before), ...plan.remove].flatMap((set) => entries.get(set) ?? []);
  const checks: Check[] = [
    unchanged(found.entry),
    ...touched.map(unchanged),
    ...(made === undefined
      ? []
      : [unchanged(home.entry), { key: keyOf(replicaSetKind, made.metadata?.namespace, nameOf(made)), is: "absent" } as const]),
  ];
  const writes: Write[] = [
    ...(made === undefined ? [] : [putObject(replicaSetKind, made)]),
    ...changed.map(([, after]) => putObject(replicaSetKind, after)),
    ...plan.remove.flatMap((set) => endingOf(replicaSetKind as unknown as Kind, set, ending).writes),
    ...(sameObject(deploymentKind, plan.deployment, found.object) ? [] : [putObject(deploymentKind, plan.deployment)]),
  ];
  return {
    commit: { checks, writes },
    done() {
      const about = referenceTo(deploymentKind, found.object);
      for (const message of plan.told) {
        events.record({ about, type: "Normal", reason: "ScalingReplicaSet", message, component: "deployment-controller" });
      }
    },
  };
}
