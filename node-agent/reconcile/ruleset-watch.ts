/* Looks a few times a second whether somebody else changed the host's nftables, so that what they deleted is back within a second. */

import type { Clock } from "#core/clock.ts";
import type { WatchedRuleset } from "#kernel/ruleset.ts";
import type { Logger } from "#process/log.ts";

export interface RulesetWatchOptions {
  readonly ruleset: Pick<WatchedRuleset, "changedByOthers">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  onChange(): void;
}

const lookMs = 250;

/** Until the signal aborts. */
export async function keepRuleset({ ruleset, clock, log, signal, onChange }: RulesetWatchOptions): Promise<void> {
  for (;;) {
    await clock.sleep(lookMs, signal);
    if (!ruleset.changedByOthers()) continue;
    log.info("somebody else changed the host's nftables: making sure of our rules");
    onChange();
  }
}
