/* Upstreams' answers for as long as they are good (RFC 2308 for those that say that there is nothing). */

import type { Answer } from "dns-packet";
import type { Clock } from "#core/clock.ts";
import type { DnsCounters } from "./counters.ts";
import { rcodes } from "./query.ts";
import type { Reply } from "./reply.ts";

export interface AnswerCache {
  get(key: string): Reply | undefined;
  /** Keeps it where it may be kept. */
  put(key: string, reply: Reply): void;
}

const entriesMax = 2_000;
const positiveSecondsMax = 3_600;
const negativeSecondsMax = 300;

export function createAnswerCache(clock: Clock, counters: DnsCounters): AnswerCache {
  const entries = new Map<string, { readonly reply: Reply; readonly sinceMs: number; readonly seconds: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      const age = Math.floor((clock.monotonicMs() - entry.sinceMs) / 1000);
      if (age >= entry.seconds) {
        entries.delete(key);
        return undefined;
      }
      counters.upstream.cacheHits += 1;
      return aged(entry.reply, age);
    },
    put(key, reply) {
      const seconds = secondsOf(reply);
      if (seconds <= 0) return;
      entries.delete(key);
      for (const oldest of entries.keys()) {
        if (entries.size < entriesMax) break;
        entries.delete(oldest);
        counters.upstream.cacheEvictions += 1;
      }
      entries.set(key, { reply, sinceMs: clock.monotonicMs(), seconds });
    },
  };
}

function secondsOf({ rcode, answers, authorities }: Reply): number {
  if (rcode !== rcodes.noError && rcode !== rcodes.nxDomain) return 0;
  if (rcode === rcodes.noError && answers.length > 0) return Math.min(positiveSecondsMax, ...answers.map(ttlOf));
  const start = authorities.find((record) => record.type === "SOA");
  if (start?.type !== "SOA") return 0;
  return Math.min(negativeSecondsMax, ttlOf(start), start.data.minimum ?? 0, ...answers.map(ttlOf));
}

function aged(reply: Reply, seconds: number): Reply {
  const older = (records: readonly Answer[]) =>
    records.map((record) => ({ ...record, ttl: Math.max(0, ttlOf(record) - seconds) }) as Answer);
  const { answers, authorities, additionals } = reply;
  return { ...reply, answers: older(answers), authorities: older(authorities), additionals: older(additionals) };
}

function ttlOf(record: Answer): number {
  return "ttl" in record ? (record.ttl ?? 0) : 0;
}
