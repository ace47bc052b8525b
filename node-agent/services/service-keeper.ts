/* Keeps the rules of Services as they are wanted. One transaction at a time; what is asked for meanwhile waits for the next, which does
 * all of it at once. The keeper trusts its memory of the table until it is told that somebody else changed it, or until one fails. */

import { type BackoffOptions, backoffMs } from "#core/backoff.ts";
import type { Clock } from "#core/clock.ts";
import { createQueue } from "#core/queue.ts";
import type { Rng } from "#core/rng.ts";
import type { ProxyNode } from "#core/services/packet-fate.ts";
import { createPortReader, healthChecked, type ProxiedPort, type ProxyView } from "#core/services/proxied-port.ts";
import { serviceTableOf } from "#kernel/service-rules.ts";
import type { ServiceKernel, ServiceTable } from "#kernel/service-table.ts";
import type { Logger } from "#process/log.ts";
import type { HealthChecks } from "./health-checks.ts";
import { planAnew, planChange } from "./plan-service-table.ts";
import { leavesFlows, type Serving, servingByFrontend, staleFlows } from "./stale-flows.ts";

export interface ServiceView extends ProxyView, ProxyNode {}

export interface ServiceKeeper {
  /** Resolves when the rules are as this view, or a later one, wants them. */
  set(view: ServiceView): Promise<void>;
  /** Somebody else changed the rules: all are made anew. */
  restore(): void;
  /** Works until the signal aborts. */
  run(): Promise<void>;
}

export interface ServiceKeeperOptions {
  readonly kernel: ServiceKernel;
  readonly healthChecks: HealthChecks;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Between two transactions: where many endpoints change at once, few transactions carry them. */
const distanceMs = 15;
const retry: BackoffOptions = { firstMs: 50, maxMs: 5_000 };

export function createServiceKeeper({ kernel, healthChecks, clock, rng, log, signal }: ServiceKeeperOptions): ServiceKeeper {
  const due = createQueue<"due">({ limit: 1, whenFull: "drop-newest" }, signal);
  const portsOf = createPortReader();
  let view: ServiceView | undefined;
  /** What the kernel holds as far as we know; undefined where we don't. */
  let actual: ServiceTable | undefined;
  let isForeign = false;
  /** Whom flows of UDP may go to since they were looked at last; an agent before this one may have left some. */
  let served: Serving | undefined;
  /** Whoever waits for the next transaction. */
  let asked: PromiseWithResolvers<void> | undefined;

  const ask = (): Promise<void> => {
    if (signal.aborted) return Promise.reject(signal.reason);
    asked ??= Promise.withResolvers();
    // Not everybody who asks waits.
    asked.promise.catch(() => {});
    due.offer("due");
    return asked.promise;
  };

  const sync = async (): Promise<void> => {
    if (view === undefined) return;
    const [node, ports, known] = [view, portsOf(view), isForeign ? undefined : actual];
    healthChecks.set(healthChecked(view));
    const wanted = serviceTableOf(ports, node);
    actual = undefined;
    isForeign = false;
    const change = known === undefined ? planAnew(wanted, await kernel.readNames(signal)) : planChange(wanted, known);
    if (change !== undefined) {
      await kernel.apply(change, signal);
      log.debug({ chains: change.chains.size, elements: change.elements.length }, "changed the rules of services");
    }
    actual = wanted;
    await clearFlows(ports, node);
  };

  const clearFlows = async (ports: readonly ProxiedPort[], node: ProxyNode): Promise<void> => {
    const now = servingByFrontend(ports, node);
    if (leavesFlows(served, now)) {
      const stale = staleFlows(await kernel.readUdpFlows(signal), ports, node);
      if (stale.length > 0) await kernel.removeUdpFlows(stale, signal);
    }
    served = now;
  };

  // Whoever waits then waits for nothing.
  signal.addEventListener("abort", () => asked?.reject(signal.reason), { once: true });
  return {
    set(next) {
      const isNew = view === undefined || differs(view, next);
      view = next;
      return isNew || actual === undefined ? ask() : Promise.resolve();
    },
    restore() {
      isForeign = true;
      if (view !== undefined) ask().catch(() => {});
    },
    async run() {
      let failures = 0;
      for await (const _ of due) {
        const answer = asked;
        asked = undefined;
        try {
          await sync();
          failures = 0;
          answer?.resolve();
        } catch (error) {
          answer?.reject(error);
          signal.throwIfAborted();
          log.warn({ err: error }, "the rules of services could not be brought to their wanted state; trying again");
          await clock.sleep(backoffMs(failures, retry, rng), signal);
          failures += 1;
          ask().catch(() => {});
        }
        await clock.sleep(distanceMs, signal);
      }
    },
  };
}

/** The node and the ranges stay; a session that begins anew has maps of its own. */
function differs(a: ServiceView, b: ServiceView): boolean {
  return a.services !== b.services || a.endpointSlices !== b.endpointSlices || a.zone !== b.zone;
}
