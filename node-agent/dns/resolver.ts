/* From a message to its answer: the cluster's zone, else an upstream where there is one for the name, else a refusal. */

import type { Logger } from "#process/log.ts";
import type { DnsCounters } from "./counters.ts";
import type { Forwarder } from "./forwarder.ts";
import { classes, type Query, questionOf, rcodes, readQuery, typeNames } from "./query.ts";
import { emptyReply, type Reply, udpBytesMax, writeRefusal, writeReply } from "./reply.ts";
import type { Zone, ZoneAnswer } from "./zone.ts";

export type Transport = "udp" | "tcp";

export interface Resolver {
  /** Undefined for what gets no answer. A promise only where somebody else is asked. Never throws. */
  answer(message: Buffer, transport: Transport): Buffer | undefined | Promise<Buffer>;
}

export interface ResolverOptions {
  /** Undefined until anything is known of the cluster. */
  readonly zone: () => Zone | undefined;
  readonly forwarder: Forwarder;
  readonly counters: DnsCounters;
  readonly log: Logger;
}

const tcpBytesMax = 0xffff;

export function createResolver({ zone, forwarder, counters, log }: ResolverOptions): Resolver {
  const replyTo = (query: Query): Reply | Promise<Reply> => {
    if (query.edns !== undefined && query.edns.version !== 0) return emptyReply(rcodes.badVers);
    if (query.class !== classes.internet && query.class !== classes.any) return emptyReply(rcodes.refused);
    const own = zone()?.find(query.name, typeNames[query.type] ?? "other");
    if (own === undefined) return emptyReply(rcodes.servFail);
    if (own.found === "outside") return forwarder.serves(query.name) ? forwarder.look(query) : emptyReply(rcodes.refused);
    const reply = replyOf(own);
    const alias = own.found === "records" ? own.alias : undefined;
    return alias !== undefined && forwarder.serves(alias) ? continued(reply, alias, query) : reply;
  };

  /** An ExternalName leads out of the cluster: whoever asked wants what is there. */
  const continued = async (reply: Reply, alias: string, query: Query): Promise<Reply> => {
    const { rcode, answers } = await forwarder.look({ ...query, ...questionOf(alias, query.type) });
    return { ...reply, rcode, answers: [...reply.answers, ...answers] };
  };

  const write = (query: Query, reply: Reply, transport: Transport): Buffer => {
    const bytesMax = transport === "tcp" ? tcpBytesMax : udpBytesMax(query);
    return writeReply(query, reply, { bytesMax, recursive: forwarder.recursive });
  };

  const failed = (query: Query, error: unknown, transport: Transport): Buffer => {
    counters.failed += 1;
    log.error({ err: error }, "a DNS query could not be answered");
    return write(query, emptyReply(rcodes.servFail), transport);
  };

  return {
    answer(message, transport) {
      counters.queries += 1;
      const read = readQuery(message);
      if (read.kind === "ignored") {
        counters.dropped[read.why] += 1;
        return undefined;
      }
      if (read.kind === "refused") {
        counters.malformed += 1;
        return writeRefusal(read);
      }
      const { query } = read;
      try {
        const reply = replyTo(query);
        if (!(reply instanceof Promise)) return write(query, reply, transport);
        return reply.then((later) => write(query, later, transport)).catch((error) => failed(query, error, transport));
      } catch (error) {
        return failed(query, error, transport);
      }
    },
  };
}

function replyOf(answer: Exclude<ZoneAnswer, { found: "outside" }>): Reply {
  const { answers } = answer;
  if (answer.found === "records")
    return { rcode: rcodes.noError, authoritative: true, answers, authorities: [], additionals: answer.additionals };
  const rcode = answer.found === "no-name" ? rcodes.nxDomain : rcodes.noError;
  return { rcode, authoritative: true, answers, authorities: [answer.authority], additionals: [] };
}
