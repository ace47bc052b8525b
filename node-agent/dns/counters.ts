/* What the name server did and what it did not. Plain numbers in one object: the hot paths add to them. */

export interface DnsCounters {
  queries: number;
  /** Not answered. */
  readonly dropped: {
    "too-short": number;
    "not-a-query": number;
    /** The socket did not take the answer. */
    unsent: number;
  };
  /** Answered with FORMERR or NOTIMP. */
  malformed: number;
  /** Our own fault; answered with SERVFAIL. */
  failed: number;
  readonly tcp: {
    /** The oldest connection went to make room. */
    evicted: number;
    idle: number;
    /** A message longer than any query. */
    oversize: number;
    /** Its client does not read. */
    stalled: number;
  };
  readonly upstream: {
    asked: number;
    /** No answer in time, none that could be used, or an error. */
    unanswered: number;
    /** Not an answer to what was asked. */
    strange: number;
    /** Too many were on their way. */
    shed: number;
    cacheHits: number;
    cacheEvictions: number;
  };
}

export function noDnsCounts(): DnsCounters {
  return {
    queries: 0,
    dropped: { "too-short": 0, "not-a-query": 0, unsent: 0 },
    malformed: 0,
    failed: 0,
    tcp: { evicted: 0, idle: 0, oversize: 0, stalled: 0 },
    upstream: { asked: 0, unanswered: 0, strange: 0, shed: 0, cacheHits: 0, cacheEvictions: 0 },
  };
}
