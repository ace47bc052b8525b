import type { Clock } from "#core/clock.ts";
import { unreachable } from "#core/errors.ts";
import { jsonEqual } from "#core/json.ts";
import { eventKind } from "#core/objects/event.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { kinds } from "#core/objects/kinds.ts";
import type { ObjectMeta } from "#proto/podwire/v1/resources.ts";
import { endingOf } from "../server/delete.ts";
import { removalOf } from "../server/removal.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { type Found, listObjects, metadataOf, putObject, unchanged } from "../state/objects.ts";
import type { Commit, Entry, Store, StoreChange } from "../store/store.ts";
import { carryOut } from "./commits.ts";
import { withoutOwners } from "./owners.ts";
import { type Item, planCollection, type Step } from "./plan-collection.ts";

/** Nobody owns an event, and there are many. */
const collected = kinds.filter(({ kind }) => kind !== eventKind.kind);

interface StoredItem extends Item, Found<ApiObject> {
  readonly kind: Kind;
}

/** Carries out what planCollection decides. */
export function garbageCollector({ store, clock, log }: Surroundings): Loop {
  return {
    name: "garbage collector",
    prefixes: collected.map(({ plural }) => `${plural}/`),
    concerns,
    async run() {
      const items = collected.flatMap((kind) => listObjects(store, kind).map((found): StoredItem => ({ ...found, kind })));
      const steps = planCollection(items).map((step) => ({ commit: commitFor(step, { store, clock }) }));
      await carryOut(store, steps);
      if (steps.length > 0) log.debug({ steps: steps.length }, "garbage was collected");
      return undefined;
    },
  };
}

/** What pods and nodes report of themselves, which is most of what happens, changes no owner. */
function concerns(change: StoreChange): boolean {
  if (change.type === "delete" || change.previous === undefined) return true;
  const [before, after] = [metadataIn(change.previous), metadataIn(change.entry)];
  return (["ownerReferences", "finalizers", "deletionTimestamp"] as const).some(
    (field) => !jsonEqual(before[field], after[field]),
  );
}

function metadataIn({ value }: Entry): Partial<ObjectMeta> {
  return (value as { readonly metadata: Partial<ObjectMeta> }).metadata;
}

interface CommitContext {
  readonly store: Store;
  readonly clock: Clock;
}

function commitFor(step: Step<StoredItem>, { store, clock }: CommitContext): Commit {
  const { item } = step;
  const { kind, object, entry } = item;
  switch (step.type) {
    case "delete": {
      const options = { store, nowMs: clock.wallMs(), gracePeriodSeconds: undefined, propagation: step.propagation };
      return { checks: [unchanged(entry)], writes: endingOf(kind, object, options).writes };
    }
    case "disown":
      return { checks: [unchanged(entry)], writes: [putObject(kind, withoutOwners(object, step.uids))] };
    case "finish": {
      const metadata = metadataOf(object);
      const finalizers = metadata.finalizers.filter((finalizer) => finalizer !== step.finalizer);
      const released = { ...object, metadata: { ...metadata, finalizers } };
      const uids = new Set([metadata.uid ?? ""]);
      const freed = step.disown.map((one) => putObject(one.kind, withoutOwners(one.object, uids)));
      return {
        checks: [item, ...step.disown].map((one) => unchanged(one.entry)),
        writes: [...(removalOf(kind, released) ?? [putObject(kind, released)]), ...freed],
      };
    }
    default:
      return unreachable(step);
  }
}
