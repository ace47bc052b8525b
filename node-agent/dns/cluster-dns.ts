/* The cluster's name server on this node, at the cluster's one DNS address: it answers from what the session gave the node, so names
 * resolve while the control plane is away. */

import { aborted } from "#core/aborted.ts";
import { backoffMs } from "#core/backoff.ts";
import { formatCidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import { formatIpv4 } from "#core/ipv4.ts";
import type { Rng } from "#core/rng.ts";
import { dnsAddress } from "#core/services/service-range.ts";
import type { Logger } from "#process/log.ts";
import { type DnsCounters, noDnsCounts } from "./counters.ts";
import { createForwarder, type UpstreamOptions } from "./forwarder.ts";
import { type DnsView, openLastSeen } from "./last-seen.ts";
import { createResolver } from "./resolver.ts";
import { serveDns } from "./server.ts";
import { createZone, type Zone } from "./zone.ts";

export interface ClusterDns {
  /** Takes the same objects as unchanged. */
  set(view: DnsView): void;
  readonly counters: DnsCounters;
  /** Until the signal aborts. */
  run(): Promise<void>;
}

export interface ClusterDnsOptions extends UpstreamOptions {
  readonly stateDir: string;
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const port = 53;
/** The address becomes this host's when its network stands, which is soon after the first view; until then nobody need hear of it. */
const retry = { firstMs: 20, maxMs: 5_000 };
const quietFailures = 6;

export function createClusterDns(options: ClusterDnsOptions): ClusterDns {
  const { ttlSeconds, clock, rng, log, signal } = options;
  const counters = noDnsCounts();
  const lastSeen = openLastSeen(options);
  const resolver = createResolver({
    ...{ zone: () => zone, counters, log },
    forwarder: createForwarder({ ...options, counters }),
  });
  /** Resolves when the address becomes another. */
  let moved = Promise.withResolvers<void>();
  let ranges = "";
  let zone: Zone | undefined;
  let host = "";

  const show = (view: DnsView) => {
    const { serviceRange, podRange, services, endpointSlices } = view;
    const now = `${formatCidr(serviceRange)} ${formatCidr(podRange)}`;
    if (zone === undefined || now !== ranges) zone = createZone({ serviceRange, podRange, ttlSeconds });
    zone.set(services, endpointSlices);
    if (now === ranges) return;
    ranges = now;
    host = formatIpv4(dnsAddress(serviceRange));
    moved.resolve();
    moved = Promise.withResolvers();
  };

  const serve = async () => {
    const ended = aborted(signal);
    if (zone === undefined) await Promise.race([moved.promise, ended]);
    for (let failures = 0; !signal.aborted; failures++) {
      const elsewhere = moved.promise;
      try {
        await using server = await serveDns({ host, port, resolver, counters });
        log.info({ address: host }, "name server ready");
        failures = 0;
        await Promise.race([server.broken, elsewhere, ended]);
      } catch (error) {
        if (signal.aborted) return;
        if (failures >= quietFailures)
          log.warn({ err: error, address: host }, "the name server can't have its address; trying again");
      }
      await clock.sleep(backoffMs(failures, retry, rng), signal).catch(() => {});
    }
  };

  const earlier = lastSeen.load();
  if (earlier !== undefined) show(earlier);

  return {
    counters,
    set(view) {
      show(view);
      lastSeen.keep(view);
    },
    async run() {
      await Promise.all([serve(), lastSeen.run()]);
    },
  };
}
