/* The numbers of a StatefulSet's pods: `web-3` is the fourth. Pure. */

import type { Pod, StatefulSet } from "#proto/podwire/v1/resources.ts";

export const podNameLabel = "statefulset.kubernetes.io/pod-name";
export const podIndexLabel = "apps.kubernetes.io/pod-index";
export const revisionLabel = "controller-revision-hash";

/** Undefined for a pod whose name is none of the set's. */
export function ordinalOf({ metadata: owner }: StatefulSet, { metadata }: Pod): number | undefined {
  const prefix = `${owner?.name}-`;
  const { name = "" } = metadata ?? {};
  const rest = name.slice(prefix.length);
  return name.startsWith(prefix) && /^(0|[1-9][0-9]{0,8})$/.test(rest) ? Number(rest) : undefined;
}

/** As many as are made at once: whoever asks for a million pods gets them in steps. */
const createdAtOnceMax = 500;

export interface Slots {
  /** By number, from the first: the pod that is there, or none. */
  readonly wanted: readonly { readonly ordinal: number; readonly pod: Pod | undefined }[];
  /** Beyond the wanted ones, the highest first. */
  readonly surplus: readonly Pod[];
}

export function slotsOf(set: StatefulSet, pods: readonly Pod[]): Slots {
  const start = set.spec?.ordinals?.start ?? 0;
  const count = set.spec?.replicas ?? 1;
  const byOrdinal = new Map(
    pods.flatMap((pod) => {
      const ordinal = ordinalOf(set, pod);
      return ordinal === undefined ? [] : [[ordinal, pod] as const];
    }),
  );
  const length = Math.min(count, pods.length + createdAtOnceMax);
  const wanted = Array.from({ length }, (_, i) => ({ ordinal: start + i, pod: byOrdinal.get(start + i) }));
  const surplus = [...byOrdinal]
    .filter(([ordinal]) => ordinal < start || ordinal >= start + count)
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  return { wanted, surplus };
}
