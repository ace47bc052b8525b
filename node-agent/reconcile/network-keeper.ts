/* Keeps a host's network as it is wanted. One reconciliation runs at a time; what is asked for meanwhile waits for the next, which
 * does all of it at once. Between its own steps the keeper trusts its memory of the kernel; after an error, and now and then, it
 * reads the kernel again, so that what somebody else deleted comes back. */

import { type BackoffOptions, backoffMs } from "#core/backoff.ts";
import type { Clock } from "#core/clock.ts";
import type { Rng } from "#core/rng.ts";
import type { Network, NetworkState, PodLink } from "#kernel/network.ts";
import type { Logger } from "#process/log.ts";
import { achieved, planNetwork } from "./plan-network.ts";
import { type NetworkView, wantedNetwork } from "./wanted-network.ts";

export interface NetworkKeeper {
  /** Until the first view nothing is changed. */
  setView(view: NetworkView): Promise<void>;
  /** Resolves when the pod's network stands. */
  addPod(link: PodLink): Promise<void>;
  /** Resolves when nothing of it is left. */
  removePod(link: PodLink): Promise<void>;
  /** Reconciles now and then until the signal aborts. */
  run(): Promise<void>;
}

export interface KeeperOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Pods that an earlier agent left. */
  readonly adopted: readonly PodLink[];
}

const rereadMs = 5_000;
const retry: BackoffOptions = { firstMs: 100, maxMs: 5_000 };

export function createNetworkKeeper({ network, clock, rng, log, signal, adopted }: KeeperOptions): NetworkKeeper {
  const links = new Map(adopted.map((link) => [link.netns, link]));
  let view: NetworkView | undefined;
  /** What the kernel holds as far as we know. */
  let actual: NetworkState | undefined;
  let readAnew = false;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const reconcile = async () => {
    if (view === undefined) return;
    const known = readAnew ? undefined : actual;
    actual = undefined;
    readAnew = false;
    const wanted = wantedNetwork(view, [...links.values()]);
    const steps = planNetwork(wanted, known ?? (await network.read(signal)));
    if (steps.length > 0) {
      log.debug({ steps: steps.length }, "changing the network");
      await network.apply(steps, signal);
    }
    actual = achieved(wanted);
  };

  const request = (): Promise<void> => {
    if (running === undefined) {
      running = reconcile().finally(() => {
        running = undefined;
      });
      return running;
    }
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return request();
      });
    return next;
  };

  return {
    setView(newView) {
      view = newView;
      return request();
    },
    addPod(link) {
      links.set(link.netns, link);
      return request();
    },
    removePod(link) {
      links.delete(link.netns);
      return request();
    },
    async run() {
      let failures = 0;
      while (!signal.aborted) {
        await clock.sleep(failures === 0 ? rereadMs : backoffMs(failures, retry, rng), signal);
        readAnew = true;
        try {
          await request();
          failures = 0;
        } catch (error) {
          signal.throwIfAborted();
          failures += 1;
          log.warn({ err: error }, "the network could not be brought to its wanted state; trying again");
        }
      }
    },
  };
}
