/* Writes Event objects about what happened, as client-go's recorder does: the same thing again is counted in the Event that is there, and
 * whoever says too much of one object is not heard for a while.
 *
 * (1) `record` never waits and never fails: events are for people, nothing depends on them.
 * (2) What waits, what is remembered and what is written at once are bounded; all that is lost is counted. */

import { type Clock, formatTimestamp } from "#core/clock.ts";
import { eventKind } from "#core/objects/event.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import { namespaceKind } from "#core/objects/namespace.ts";
import { createRecent } from "#core/recent.ts";
import { createTokenBucket, type TokenBucket } from "#core/token-bucket.ts";
import type { Logger } from "#process/log.ts";
import type { Event, ObjectReference } from "#proto/podwire/v1/resources.ts";
import type { Ids } from "../ids.ts";
import { createWakeups } from "../state/follow.ts";
import { findObject, metadataOf, putObject, retryConflicts, unchanged } from "../state/objects.ts";
import type { Check, Store, Write } from "../store/store.ts";

export interface Happening {
  readonly about: ObjectReference;
  readonly type: "Normal" | "Warning";
  /** One word: "Scheduled". */
  readonly reason: string;
  readonly message: string;
  /** Who says so: "default-scheduler", or "kubelet" with its node. */
  readonly component: string;
  readonly host?: string;
}

export interface EventDrops {
  /** Too much was said of one object. */
  readonly limited: number;
  /** Too much waited to be written. */
  readonly full: number;
  /** The namespace is not there, or ends. */
  readonly homeless: number;
  /** The store did not take it. */
  readonly failed: number;
}

export interface EventRecorder {
  record(happening: Happening): void;
  readonly drops: EventDrops;
  /** Writes what was recorded until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface RecorderContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
}

/** client-go's. */
const limits = { burst: 25, refillSeconds: 300 } as const;
const rememberedMax = 4_096;
const waitingMax = 1_000;
const writtenAtOnceMax = 100;
const messageLengthMax = 1_024;
/** `NAME.0123456789abcdef` is a name of at most 253 characters. */
const nameLengthMax = 253 - 17;

interface Waiting {
  readonly happening: Happening;
  readonly firstMs: number;
  lastMs: number;
  count: number;
}

export function createEventRecorder({ store, clock, ids, log }: RecorderContext): EventRecorder {
  const drops = { limited: 0, full: 0, homeless: 0, failed: 0 };
  const buckets = createRecent<TokenBucket>(rememberedMax);
  const names = createRecent<string>(rememberedMax);
  const wakeups = createWakeups();
  let waiting = new Map<string, Waiting>();
  let written = 0;
  const nextNumber = () => written++;

  const mayRecord = (happening: Happening): boolean => {
    const key = speakerOf(happening);
    const bucket = buckets.get(key) ?? createTokenBucket({ burst: limits.burst, refillMs: clock.timerMs(limits.refillSeconds) });
    buckets.set(key, bucket);
    return bucket.take(clock.monotonicMs());
  };

  const write = (batch: readonly (readonly [string, Waiting])[]) =>
    retryConflicts(async () => {
      const steps = batch.map(([identity, item]) => ({
        identity,
        item,
        step: stepOf(store, { item, name: names.get(identity), ids, nextNumber }),
      }));
      const commits = steps.flatMap(({ step }) => (step === undefined ? [] : [step]));
      await store.commit({
        checks: withoutRepeats(commits.flatMap(({ checks }) => checks)),
        writes: commits.map((step) => step.write),
      });
      for (const { identity, item, step } of steps) {
        if (step === undefined) drops.homeless += item.count;
        else names.set(identity, step.name);
      }
    });

  return {
    drops,
    record(happening) {
      if (!mayRecord(happening)) {
        drops.limited += 1;
        return;
      }
      const identity = identityOf(happening);
      const nowMs = clock.wallMs();
      const same = waiting.get(identity);
      if (same !== undefined) {
        same.count += 1;
        same.lastMs = nowMs;
      } else if (waiting.size >= waitingMax) {
        drops.full += 1;
      } else {
        const message = happening.message.slice(0, messageLengthMax);
        waiting.set(identity, { happening: { ...happening, message }, firstMs: nowMs, lastMs: nowMs, count: 1 });
      }
      wakeups.wake();
    },
    async run(signal) {
      let told = 0;
      while (!signal.aborted) {
        const items = [...waiting];
        waiting = new Map();
        for (let start = 0; start < items.length && !signal.aborted; start += writtenAtOnceMax) {
          const batch = items.slice(start, start + writtenAtOnceMax);
          try {
            await write(batch);
          } catch (error) {
            if (signal.aborted) return;
            drops.failed += batch.reduce((sum, [, { count }]) => sum + count, 0);
            log.error({ err: error, drops }, "events were not written");
          }
        }
        const dropCount = drops.limited + drops.full + drops.homeless + drops.failed;
        if (dropCount > told) log.info({ drops }, "events were dropped");
        told = dropCount;
        await wakeups.next(undefined, signal);
      }
    },
  };
}

/** What an Event says that it is about. */
export function referenceTo<T extends ApiObject>(kind: Kind<T>, object: T, fieldPath?: string): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadataOf(object);
  const reference = { apiVersion: kind.apiVersion, kind: kind.kind, namespace, name, uid, resourceVersion };
  return fieldPath === undefined || fieldPath === "" ? reference : { ...reference, fieldPath };
}

interface Step {
  readonly name: string;
  readonly checks: readonly Check[];
  readonly write: Write;
}

interface StepInput {
  readonly item: Waiting;
  /** Of the Event that was written about the same before. */
  readonly name: string | undefined;
  readonly ids: Ids;
  /** Another one at each call. */
  readonly nextNumber: () => number;
}

/**
 * As client-go's recorder names them, by their time in nanoseconds, so that a list is in the order of what happened; those of one millisecond in
 * the order in which they are written.
 */
function nameSuffix(firstMs: number, number: number): string {
  const nanoseconds = BigInt(Math.floor(firstMs)) * 1_000_000n + BigInt(number % 1_000_000);
  return nanoseconds.toString(16).padStart(16, "0");
}

/** Undefined where there is no place for the event. */
function stepOf(store: Store, { item, name: known, ids, nextNumber }: StepInput): Step | undefined {
  // What has no namespace is spoken of in `default`.
  const namespace = item.happening.about.namespace || "default";
  const home = findObject(store, namespaceKind, { name: namespace });
  if (home === undefined || metadataOf(home.object).deletionTimestamp !== undefined) return undefined;
  const found = known === undefined ? undefined : findObject(store, eventKind, { namespace, name: known });
  if (found !== undefined && known !== undefined) {
    const { object } = found;
    const next: Event = {
      ...object,
      count: (object.count ?? 1) + item.count,
      lastTimestamp: formatTimestamp(item.lastMs),
      message: item.happening.message,
    };
    return { name: known, checks: [unchanged(home.entry), unchanged(found.entry)], write: putObject(eventKind, next) };
  }
  const name = `${(item.happening.about.name ?? "").slice(0, nameLengthMax)}.${nameSuffix(item.firstMs, nextNumber())}`;
  const write = putObject(eventKind, newEvent(item, { namespace, name, uid: ids.uid() }));
  return { name, checks: [unchanged(home.entry), { key: write.key, is: "absent" }], write };
}

function newEvent(
  { happening, firstMs, lastMs, count }: Waiting,
  { namespace, name, uid }: { readonly namespace: string; readonly name: string; readonly uid: string },
): Event {
  const { about, type, reason, message, component, host } = happening;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { ...emptyMetadata, name, namespace, uid, creationTimestamp: formatTimestamp(firstMs) },
    involvedObject: about,
    ...{ reason, message, type, count },
    source: host === undefined ? { component } : { component, host },
    firstTimestamp: formatTimestamp(firstMs),
    lastTimestamp: formatTimestamp(lastMs),
    reportingComponent: component,
    reportingInstance: host ?? "",
  };
}

/** Who speaks of what: as much of it as client-go limits. */
function speakerOf({ about, component, host }: Happening): string {
  return JSON.stringify([component, host, about.kind, about.namespace, about.name, about.uid]);
}

/** Two happenings with the same are one Event. */
function identityOf(happening: Happening): string {
  const { about, type, reason, message } = happening;
  return JSON.stringify([speakerOf(happening), about.fieldPath, type, reason, message]);
}

function withoutRepeats(checks: readonly Check[]): readonly Check[] {
  return [...new Map(checks.map((check) => [JSON.stringify(check), check])).values()];
}
