/* Who of the sessions is woken by a change. One pod's change wakes one session; what everybody must know wakes everybody, and the more there
 * are, the more of it goes in one round: a thousand nodes that join would else be told of each other a thousand times. */

import type { Clock } from "#core/clock.ts";
import { followStore } from "../state/follow.ts";
import type { Store } from "../store/store.ts";
import { concernOf } from "./state.ts";
import type { SessionTable } from "./table.ts";

export interface WakingContext {
  readonly store: Store;
  readonly sessions: Pick<SessionTable, "count" | "find" | "wakeAll">;
  /** Of the wall, and not the controllers': agents wait for it. */
  readonly clock: Clock;
}

/** Between two rounds, for each session: what a round costs at least, so that half of the time stays for all else. */
const roundMsPerSession = 0.1;
/** A timer is no finer. */
const roundMsMin = 1;

export async function wakeSessions({ store, sessions, clock }: WakingContext, signal: AbortSignal): Promise<void> {
  const wakeEverybody = createRounds({ clock, intervalMs: () => sessions.count * roundMsPerSession }, () => sessions.wakeAll());
  await followStore(store, signal, (_key, change) => {
    const concerned = change === undefined ? "everybody" : concernOf(change);
    if (concerned === "everybody") wakeEverybody(signal);
    else for (const node of concerned) sessions.find(node)?.wake();
  });
}

/** Calls `run` at once where the last call is long enough ago, else when it is; calls until then are one. */
function createRounds({ clock, intervalMs }: { readonly clock: Clock; intervalMs(): number }, run: () => void) {
  let lastMs = Number.NEGATIVE_INFINITY;
  let isDue = false;
  const runNow = () => {
    isDue = false;
    lastMs = clock.monotonicMs();
    run();
  };
  return (signal: AbortSignal) => {
    if (isDue) return;
    const waitMs = lastMs + intervalMs() - clock.monotonicMs();
    if (waitMs < roundMsMin) return runNow();
    isDue = true;
    // Ends early with the control plane only.
    clock.sleep(waitMs, signal).then(runNow, () => {});
  };
}
