/* What the names led to when the control plane was last heard, for an agent that starts while it is away. */

import { join } from "node:path";
import { type Cidr, formatCidr, parseCidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import { createQueue } from "#core/queue.ts";
import type { Logger } from "#process/log.ts";
import { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";
import { readJson, writeJson } from "../json-file.ts";

export interface DnsView {
  readonly serviceRange: Cidr;
  readonly podRange: Cidr;
  /** Both by namespace/name. */
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
}

export interface LastSeen {
  /** Undefined where there is none that can be read. */
  load(): DnsView | undefined;
  /** Will be on disk soon. */
  keep(view: DnsView): void;
  /** Writes until the signal aborts. */
  run(): Promise<void>;
}

interface Stored {
  readonly serviceCIDR: string;
  readonly podCIDR: string;
  readonly services: readonly (readonly [key: string, service: unknown])[];
  readonly endpointSlices: readonly (readonly [key: string, slice: unknown])[];
}

export interface LastSeenOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** A thousand Services take the process some 10 ms to write, in which it carries no frame. */
const restMs = 3_000;

export function openLastSeen({ stateDir, clock, log, signal }: LastSeenOptions): LastSeen {
  const path = join(stateDir, "services.json");
  let newest: DnsView | undefined;
  const news = createQueue<"news">({ limit: 1, whenFull: "drop-newest" }, signal);
  return {
    load() {
      try {
        const stored = readJson<Stored>(path);
        return stored === undefined ? undefined : read(stored);
      } catch (error) {
        log.warn({ err: error }, "what was known of Services can't be read; waiting for the control plane");
        return undefined;
      }
    },
    keep(view) {
      if (view.services === newest?.services && view.endpointSlices === newest.endpointSlices) return;
      newest = view;
      news.offer("news");
    },
    async run() {
      for await (const _ of news) {
        try {
          if (newest !== undefined) writeJson(path, stored(newest));
        } catch (error) {
          log.warn({ err: error }, "what is known of Services can't be written");
        }
        await clock.sleep(restMs, signal).catch(() => {});
      }
    },
  };
}

function stored({ serviceRange, podRange, services, endpointSlices }: DnsView): Stored {
  return {
    serviceCIDR: formatCidr(serviceRange),
    podCIDR: formatCidr(podRange),
    services: [...services].map(([key, service]) => [key, Service.toJSON(service)]),
    endpointSlices: [...endpointSlices].map(([key, slice]) => [key, EndpointSlice.toJSON(slice)]),
  };
}

function read({ serviceCIDR, podCIDR, services, endpointSlices }: Stored): DnsView {
  return {
    serviceRange: parseCidr(serviceCIDR),
    podRange: parseCidr(podCIDR),
    services: new Map(services.map(([key, service]) => [key, Service.fromJSON(service)])),
    endpointSlices: new Map(endpointSlices.map(([key, slice]) => [key, EndpointSlice.fromJSON(slice)])),
  };
}
