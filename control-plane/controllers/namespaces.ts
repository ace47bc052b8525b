import type { Clock } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import type { Kind } from "#core/objects/kind.ts";
import { kinds } from "#core/objects/kinds.ts";
import { namespaceKind } from "#core/objects/namespace.ts";
import { endingOf } from "../server/delete.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { type Found, listObjects, metadataOf, nameOf, unchanged } from "../state/objects.ts";
import type { Commit, Store } from "../store/store.ts";

/** Empties namespaces whose deletion has begun, then removes them. Nothing new comes in meanwhile: server/write.ts sees to that. */
export function namespaceController({ store, clock, log }: Surroundings): Loop {
  return {
    name: "namespaces",
    prefixes: kinds
      .filter(({ namespaced }) => namespaced)
      .map(({ plural }) => `${plural}/`)
      .concat("namespaces/"),
    async run() {
      for (const found of listObjects(store, namespaceKind)) {
        const { deletionTimestamp, finalizers } = metadataOf(found.object);
        if (deletionTimestamp === undefined) continue;
        const namespace = nameOf(found.object);
        const contents = contentsOf(store, namespace);
        if (contents.length > 0) {
          await commitAll(
            store,
            contents.flatMap(({ kind, object }) => endingCommit(store, clock, kind, object)),
          );
        } else if (finalizers.length === 0) {
          await commitAll(store, [{ checks: [unchanged(found.entry)], writes: [{ type: "delete", key: found.key }] }]);
          log.info({ namespace }, "namespace is gone");
        }
      }
      return undefined;
    },
  };
}

interface Content {
  readonly kind: Kind;
  readonly object: Found<object>;
}

function contentsOf(store: Store, namespace: string): readonly Content[] {
  return kinds
    .filter(({ namespaced }) => namespaced)
    .flatMap((kind) => listObjects(store, kind, namespace).map((object) => ({ kind, object })));
}

function endingCommit(store: Store, clock: Clock, kind: Kind, { entry, object }: Found<object>): readonly Commit[] {
  const { writes } = endingOf(kind, object, { store, nowMs: clock.wallMs(), gracePeriodSeconds: undefined });
  return writes.length === 0 ? [] : [{ checks: [unchanged(entry)], writes }];
}

/** Side by side. Whoever wrote first has woken the loop that this is part of again. */
async function commitAll(store: Store, commits: readonly Commit[]): Promise<void> {
  const outcomes = await Promise.allSettled(commits.map((commit) => store.commit(commit)));
  for (const outcome of outcomes) {
    if (outcome.status === "rejected" && !isAppError(outcome.reason, "conflict")) throw outcome.reason;
  }
}
