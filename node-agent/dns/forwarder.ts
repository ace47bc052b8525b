/* Names that are not the cluster's: to the upstreams of their stub domain, else to those for everything else. */

import { type Answer, decode } from "dns-packet";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#process/log.ts";
import { createAnswerCache } from "./answer-cache.ts";
import type { DnsCounters } from "./counters.ts";
import { type Query, rcodes } from "./query.ts";
import { emptyReply, type Reply } from "./reply.ts";
import { ask, type Upstream } from "./upstream.ts";

export interface UpstreamOptions {
  /** For every name that is not the cluster's nor a stub domain's. */
  readonly upstreams: readonly Upstream[];
  /** By domain, in lower case. */
  readonly stubs: ReadonlyMap<string, readonly Upstream[]>;
}

export interface Forwarder {
  /** Whether any name is resolved. */
  readonly recursive: boolean;
  serves(name: string): boolean;
  /** SERVFAIL where no upstream answers. */
  look(query: Query): Promise<Reply>;
}

export interface ForwarderOptions extends UpstreamOptions {
  readonly counters: DnsCounters;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const tryMs = 1_000;
const inFlightMax = 256;

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { upstreams, stubs, counters, clock, log, signal } = options;
  const cache = createAnswerCache(clock, counters);
  const inFlight = new Map<string, Promise<Reply>>();
  /** Those that did not answer last time come last. */
  const silent = new Set<Upstream>();

  const upstreamsFor = (name: string): readonly Upstream[] => {
    for (let domain = name; domain !== ""; domain = domain.slice(domain.indexOf(".") + 1)) {
      const found = stubs.get(domain);
      if (found !== undefined) return found;
      if (!domain.includes(".")) break;
    }
    return upstreams;
  };

  const askAll = async (query: Query): Promise<Reply> => {
    for (const upstream of upstreamsFor(query.name).toSorted((a, b) => Number(silent.has(a)) - Number(silent.has(b)))) {
      counters.upstream.asked += 1;
      try {
        const reply = await askOne(upstream, query);
        silent.delete(upstream);
        if (reply.rcode === rcodes.noError || reply.rcode === rcodes.nxDomain) return reply;
      } catch (error) {
        if (signal.aborted) break;
        silent.add(upstream);
        log.debug({ err: error, address: `${upstream.host}:${upstream.port}` }, "an upstream name server did not answer");
      }
      counters.upstream.unanswered += 1;
    }
    return emptyReply(rcodes.servFail);
  };

  const askOne = async (upstream: Upstream, query: Query): Promise<Reply> => {
    const enough = new AbortController();
    const stop = AbortSignal.any([signal, enough.signal]);
    clock.sleep(tryMs, stop).then(
      () => enough.abort(),
      () => {},
    );
    try {
      const onStrange = () => {
        counters.upstream.strange += 1;
      };
      return replyOf(await ask({ upstream, query, signal: stop, onStrange }), query.name);
    } finally {
      enough.abort();
    }
  };

  return {
    recursive: upstreams.length > 0,
    serves: (name) => upstreamsFor(name).length > 0,
    look(query) {
      const key = `${query.type} ${query.class} ${query.name}`;
      const known = cache.get(key);
      if (known !== undefined) return Promise.resolve(known);
      const pending = inFlight.get(key);
      if (pending !== undefined) return pending;
      if (inFlight.size >= inFlightMax) {
        counters.upstream.shed += 1;
        return Promise.resolve(emptyReply(rcodes.servFail));
      }
      const reply = askAll(query).finally(() => inFlight.delete(key));
      inFlight.set(key, reply);
      void reply.then((found) => cache.put(key, found));
      return reply;
    },
  };
}

/** Throws where it can't be read. The question's name is written as the zone's are. */
function replyOf(message: Buffer, name: string): Reply {
  const { answers = [], authorities = [], additionals = [] } = decode(message);
  const cleaned = (records: readonly Answer[]) =>
    records
      .filter(({ type }) => type !== "OPT")
      .map((record) => (record.name.toLowerCase() === name ? { ...record, name } : record));
  return {
    rcode: message.readUInt16BE(2) & 15,
    authoritative: false,
    answers: cleaned(answers),
    authorities: cleaned(authorities),
    additionals: cleaned(additionals),
  };
}
