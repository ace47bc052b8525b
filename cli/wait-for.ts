/* Waits until each of some objects is as it should be: by watching, one watch for each kind and namespace, never by asking again. */

import type { Clock } from "#core/clock.ts";
import type { ApiObject } from "#core/objects/kind.ts";
import type { Connection } from "./connect.ts";
import { follow, type ObjectName, type Query } from "./objects.ts";

export type Verdict =
  | { readonly state: "met" }
  | { readonly state: "pending" }
  /** It can't come true any more; `text` is the line to print. */
  | { readonly state: "failed"; readonly text: string };

export interface WaitRequest<T extends ObjectName> {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Undefined: no limit. 0: look once. */
  readonly timeoutMs: number | undefined;
  readonly targets: readonly T[];
  /** `object` is undefined where it doesn't exist. */
  judge(target: T, object: ApiObject | undefined): Verdict;
  onMet?(target: T): Promise<void>;
}

export interface Unmet<T> {
  readonly target: T;
  /** "pending": the time was over. */
  readonly verdict: Exclude<Verdict, { readonly state: "met" }>;
}

/** The targets that weren't met in time, in their order. */
export async function waitFor<T extends ObjectName>(request: WaitRequest<T>): Promise<Unmet<T>[]> {
  if (request.targets.length === 0) return [];
  const over = new AbortController();
  const ends = AbortSignal.any([request.signal, over.signal]);
  const verdicts = new Map<T, Verdict>(request.targets.map((target) => [target, { state: "pending" }]));
  if (request.timeoutMs !== undefined && request.timeoutMs > 0) {
    request.clock.sleep(request.timeoutMs, ends).then(
      () => over.abort(),
      () => {},
    );
  }
  try {
    await Promise.all([...groupsOf(request.targets)].map((group) => watchGroup(request, { group, verdicts, signal: ends })));
  } catch (error) {
    if (!over.signal.aborted || request.signal.aborted) throw error;
  } finally {
    over.abort();
  }
  return request.targets.flatMap((target) => {
    const verdict = verdicts.get(target) ?? { state: "pending" };
    return verdict.state === "met" ? [] : [{ target, verdict }];
  });
}

interface GroupWatch<T> {
  readonly group: readonly T[];
  readonly verdicts: Map<T, Verdict>;
  readonly signal: AbortSignal;
}

async function watchGroup<T extends ObjectName>(
  request: WaitRequest<T>,
  { group, verdicts, signal }: GroupWatch<T>,
): Promise<void> {
  const objects = new Map<string, ApiObject>();
  const judgeAll = async () => {
    for (const target of group) {
      if (verdicts.get(target)?.state !== "pending") continue;
      const verdict = request.judge(target, objects.get(target.name));
      verdicts.set(target, verdict);
      if (verdict.state === "met") await request.onMet?.(target);
    }
    return group.every((target) => verdicts.get(target)?.state !== "pending");
  };
  let synced = false;
  for await (const event of follow(request.connection, queryFor(group), signal)) {
    if (event.type === "synced") synced = true;
    else {
      const { object } = event.item;
      const name = object.metadata?.name ?? "";
      if (event.type !== "deleted") objects.set(name, object);
      // A new object under the name may have come first.
      else if (objects.get(name)?.metadata?.uid === object.metadata?.uid) objects.delete(name);
    }
    if (synced && ((await judgeAll()) || request.timeoutMs === 0)) return;
  }
}

function groupsOf<T extends ObjectName>(targets: readonly T[]): Iterable<readonly T[]> {
  return Map.groupBy(targets, ({ kind, namespace }) => `${kind.kind}/${namespace}`).values();
}

/** One object is picked by the server, several of a kind are picked here. */
function queryFor(group: readonly ObjectName[]): Query {
  const [first] = group;
  if (first === undefined) throw new Error("an empty group");
  const query = { kind: first.kind, namespace: first.namespace };
  return new Set(group.map((target) => target.name)).size > 1
    ? query
    : { ...query, fieldSelector: `metadata.name=${first.name}` };
}
