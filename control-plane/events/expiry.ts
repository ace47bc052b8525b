/* Events are kept for an hour, and the newest few thousand of them: the oldest make room. */

import { isAppError } from "#core/errors.ts";
import { eventKind } from "#core/objects/event.ts";
import type { Event } from "#proto/podwire/v1/resources.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { type Found, listObjects, metadataOf, unchanged } from "../state/objects.ts";

const lifetimeMs = 3_600_000;
const keptMax = 5_000;

export function eventExpiry({ store, clock, log }: Surroundings): Loop {
  return {
    name: "event expiry",
    prefixes: ["events/"],
    async run() {
      const events = listObjects(store, eventKind);
      const { expired, nextMs } = expiredEvents(events, {
        nowMs: clock.wallMs(),
        lifetimeMs: clock.timerMs(lifetimeMs / 1_000),
        keptMax,
      });
      for (const { entry } of expired) {
        try {
          await store.commit({ checks: [unchanged(entry)], writes: [{ type: "delete", key: entry.key }] });
        } catch (error) {
          // It happened again meanwhile.
          if (!isAppError(error, "conflict")) throw error;
        }
      }
      if (expired.length > 0) log.debug({ eventCount: expired.length }, "removed old events");
      return nextMs;
    },
  };
}

export interface ExpiryBounds {
  readonly nowMs: number;
  readonly lifetimeMs: number;
  readonly keptMax: number;
}

export interface Expiry {
  readonly expired: readonly Found<Event>[];
  /** In how many milliseconds the next one expires. */
  readonly nextMs: number | undefined;
}

/** Those that were last written a lifetime ago, and the oldest of too many. */
export function expiredEvents(events: readonly Found<Event>[], { nowMs, lifetimeMs, keptMax: kept }: ExpiryBounds): Expiry {
  const byAge = events.map((found) => ({ found, atMs: writtenMs(found.object) })).sort((a, b) => a.atMs - b.atMs);
  const surplus = Math.max(0, byAge.length - kept);
  const isOver = (atMs: number, i: number) => i < surplus || atMs + lifetimeMs <= nowMs;
  const oldest = byAge.find(({ atMs }, i) => !isOver(atMs, i));
  return {
    expired: byAge.filter(({ atMs }, i) => isOver(atMs, i)).map(({ found }) => found),
    nextMs: oldest === undefined ? undefined : Math.min(lifetimeMs, oldest.atMs + lifetimeMs - nowMs),
  };
}

/** A time that can't be read is long ago: somebody wrote it who could as well have written a right one. */
function writtenMs(event: Event): number {
  const text = event.lastTimestamp ?? event.eventTime ?? metadataOf(event).creationTimestamp ?? "";
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? 0 : atMs;
}
