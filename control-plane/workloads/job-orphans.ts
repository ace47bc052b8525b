import { jobKind } from "#core/objects/job.ts";
import type { Kind } from "#core/objects/kind.ts";
import { podKind } from "#core/objects/pod.ts";
import type { ObjectMeta } from "#proto/podwire/v1/resources.ts";
import { removalOf } from "../server/removal.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { listObjects, metadataOf, prefixOf, putObject, unchanged } from "../state/objects.ts";
import type { StoreChange } from "../store/store.ts";
import { carryOut } from "./commits.ts";
import { trackingFinalizer, untracked } from "./job-count.ts";
import { controllerOf } from "./owners.ts";

/** Lets pods go that wait to be counted for a Job which is gone, or goes. */
export function jobOrphans({ store }: Surroundings): Loop {
  return {
    name: "pods of ended jobs",
    prefixes: ["jobs/", "pods/"],
    concerns,
    async run() {
      const tracked = listObjects(store, podKind).filter(({ object }) =>
        metadataOf(object).finalizers.includes(trackingFinalizer),
      );
      if (tracked.length === 0) return undefined;
      const jobs = listObjects(store, jobKind).filter(({ object }) => metadataOf(object).deletionTimestamp === undefined);
      const living = new Set(jobs.map(({ object }) => metadataOf(object).uid));
      const orphans = tracked.filter(({ object }) => !living.has(controllerOf(object)?.uid));
      await carryOut(
        store,
        orphans.map(({ entry, object }) => {
          const pod = untracked(object);
          return {
            commit: {
              checks: [unchanged(entry)],
              writes: removalOf(podKind as unknown as Kind, pod) ?? [putObject(podKind, pod)],
            },
          };
        }),
      );
      return undefined;
    },
  };
}

/** Most pods are no Job's. */
function concerns(change: StoreChange): boolean {
  if (change.type === "delete") return change.key.startsWith(prefixOf(jobKind));
  const { metadata } = change.entry.value as { readonly metadata: Partial<ObjectMeta> };
  return change.entry.key.startsWith(prefixOf(jobKind)) || metadata.finalizers?.includes(trackingFinalizer) === true;
}
