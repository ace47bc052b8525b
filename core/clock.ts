/* Time as an argument. Nothing in core/ reads the system's; process/system-clock.ts does, and tests turn a manual one. */

export interface Clock {
  /** Milliseconds since 1970, for timestamps that people read. */
  wallMs(): number;
  /** Milliseconds since some fixed moment, for leases and waits; it never goes back. */
  monotonicMs(): number;
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** How many milliseconds of this clock a declared time of so many seconds takes: less where the cluster's time is compressed. */
  timerMs(seconds: number): number;
}

/**
 * The clock of a control plane whose timers run `scale` times as fast. Times of day and waits stay everybody's, since agents and users
 * write and read them too, and heartbeats come as often as ever: what shrinks is what a declared time comes to.
 */
export function createScaledClock(clock: Clock, scale: number): Clock {
  return { ...clock, timerMs: (seconds) => clock.timerMs(seconds) / scale };
}

/** RFC 3339 in seconds, as Kubernetes prints times. */
export function timestamp(clock: Clock): string {
  return formatTimestamp(clock.wallMs());
}

export function formatTimestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.[0-9]{3}Z$/, "Z");
}

export interface ManualClock extends Clock {
  /** Moves both times and wakes whoever's sleep is over, in the order of their deadlines. */
  advance(ms: number): Promise<void>;
}

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

const turnsAfterWake = 4;

export function createManualClock(startMs = 0): ManualClock {
  let elapsedMs = 0;
  const sleepers = new Set<Sleeper>();
  return {
    wallMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    timerMs: (seconds) => seconds * 1000,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const abort = () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        };
        const sleeper: Sleeper = {
          dueMs: elapsedMs + ms,
          wake() {
            sleepers.delete(sleeper);
            signal.removeEventListener("abort", abort);
            resolve();
          },
        };
        signal.addEventListener("abort", abort, { once: true });
        sleepers.add(sleeper);
      });
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      for (;;) {
        const due = [...sleepers].filter((sleeper) => sleeper.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (due === undefined) break;
        elapsedMs = due.dueMs;
        due.wake();
        // Whoever woke may sleep again before `untilMs`, and so may whoever acts on what it did: let them run first.
        for (let turn = 0; turn < turnsAfterWake; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      elapsedMs = untilMs;
    },
  };
}
