/* What happens to a Deployment's pods while it rolls out, with the time at which it was heard. */

import type { Clock } from "#core/clock.ts";
import type { Kind } from "#core/objects/kind.ts";
import { selectorMatches } from "#core/objects/label-selector.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Deployment, Pod } from "#proto/podwire/v1/resources.ts";
import type { Connection } from "../connect.ts";
import { follow } from "../objects.ts";
import { type PodLife, traitsOf } from "./losses.ts";

export interface PodLives {
  readonly lives: readonly PodLife[];
  /** Resolves when no pod that was asked to end is left. */
  allGone(): Promise<void>;
  /** Resolves when the present pods are known. */
  readonly synced: Promise<void>;
  /** Rejects where they could not be followed. */
  readonly ended: Promise<void>;
}

export function followPodLives(
  connection: Connection,
  { deployment, clock }: { readonly deployment: Deployment; readonly clock: Clock },
  signal: AbortSignal,
): PodLives {
  const lives = new Map<string, PodLife>();
  const ending = new Set<string>();
  let wake = () => {};
  const { promise: synced, resolve: sync, reject } = Promise.withResolvers<void>();
  let isSynced = false;
  const see = (pod: Pod, gone: boolean) => {
    const uid = pod.metadata?.uid ?? "";
    const before = lives.get(uid);
    const nowMs = clock.wallMs();
    const ready = pod.status?.conditions.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
    const asked = gone || pod.metadata?.deletionTimestamp !== undefined;
    lives.set(uid, {
      ...{ name: pod.metadata?.name ?? "", node: pod.spec?.nodeName ?? "", ...traitsOf(pod) },
      readyMs: before?.readyMs ?? (ready && isSynced ? nowMs : undefined),
      endingMs: before?.endingMs ?? (asked ? nowMs : undefined),
    });
    if (gone) ending.delete(uid);
    else if (asked) ending.add(uid);
    wake();
  };
  const read = async () => {
    const query = { kind: podKind as unknown as Kind, namespace: deployment.metadata?.namespace ?? "" };
    for await (const event of follow(connection, query, signal)) {
      if (event.type === "synced") {
        isSynced = true;
        sync();
      } else {
        const pod = event.item.object as Pod;
        if (selectorMatches(deployment.spec?.selector, pod.metadata?.labels ?? {})) see(pod, event.type === "deleted");
      }
    }
  };
  const ended = read();
  ended.catch(reject);
  synced.catch(() => {});
  return {
    get lives() {
      return [...lives.values()];
    },
    async allGone() {
      while (ending.size > 0) {
        await Promise.race([
          ended,
          new Promise<void>((resolve) => {
            wake = resolve;
          }),
        ]);
      }
    },
    synced,
    ended,
  };
}
