/* Keeps a host's network as it is wanted. One reconciliation runs at a time; what is asked for meanwhile waits for the next, which
 * does all of it at once; what fails for one pod fails that pod. Between its own steps the keeper trusts its memory of the kernel; after an error, and now and then, it
 * reads the kernel again, so that what somebody else deleted comes back. */

import { type BackoffOptions, backoffMs } from "#core/backoff.ts";
import type { Clock } from "#core/clock.ts";
import { AppError, messageOf, unreachable } from "#core/errors.ts";
import type { Rng } from "#core/rng.ts";
import {
  loopbackName,
  type Network,
  type NetworkState,
  type NetworkStep,
  PartlyApplied,
  type PodLink,
  tunName,
} from "#kernel/network.ts";
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
  /** Reads the kernel again, since somebody else changed something there. */
  restore(): void;
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
      try {
        await network.apply(steps, signal);
      } catch (error) {
        signal.throwIfAborted();
        const left = planNetwork(wanted, await network.read(signal));
        throw new Incomplete(error, left);
      }
    }
    actual = achieved(wanted);
  };

  const requestFor = async (link: PodLink): Promise<void> => {
    try {
      await request();
    } catch (error) {
      if (!(error instanceof Incomplete) || error.concerns(link)) throw error;
    }
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
      return requestFor(link);
    },
    removePod(link) {
      links.delete(link.netns);
      return requestFor(link);
    },
    restore() {
      readAnew = true;
      // `run` tries again what fails.
      request().catch(() => {});
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

/** A reconciliation failed; `left` is what it had to do and did not. */
class Incomplete extends AppError {
  readonly #left: readonly NetworkStep[];
  readonly #halfMade: readonly PodLink[];

  constructor(cause: unknown, left: readonly NetworkStep[]) {
    super("internal", messageOf(cause), { cause });
    this.name = "Incomplete";
    this.#left = left;
    this.#halfMade = cause instanceof PartlyApplied ? cause.halfMade : [];
  }

  concerns(link: PodLink): boolean {
    return this.#halfMade.some(({ netns }) => netns === link.netns) || this.#left.some((step) => stepConcerns(step, link));
  }
}

/** Steps for the whole host concern every pod. */
function stepConcerns(step: NetworkStep, { netns, device, address }: PodLink): boolean {
  switch (step.op) {
    case "add-pod":
      return step.link.netns === netns;
    case "remove-netns":
      return step.netns === netns;
    case "remove-device":
      return step.device === device;
    case "add-element":
    case "remove-element":
      return step.element.set !== "pods" || step.element.device === device || step.element.address === address;
    case "add-route":
    case "remove-route": {
      const { to, destination } = step.route;
      return (
        to === "unreachable" ||
        to.device === tunName ||
        to.device === loopbackName ||
        to.device === device ||
        destination.base === address
      );
    }
    case "add-rule":
    case "remove-rule":
    case "set-rule-base":
      return true;
    default:
      return unreachable(step);
  }
}
