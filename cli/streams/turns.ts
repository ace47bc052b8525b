/* At most so many at once; the others wait in their order. */

export interface Turns {
  /** Resolves with a turn, which its disposal gives back, or when the signal aborts. */
  next(signal: AbortSignal): Promise<Disposable>;
}

export function createTurns(max: number): Turns {
  let busy = 0;
  const waiting = new Set<() => void>();
  const release = () => {
    busy -= 1;
    const [first] = waiting;
    first?.();
  };
  return {
    async next(signal) {
      while (busy >= max && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake);
            signal.removeEventListener("abort", wake);
            resolve();
          };
          waiting.add(wake);
          signal.addEventListener("abort", wake, { once: true });
        });
      }
      busy += 1;
      return { [Symbol.dispose]: release };
    },
  };
}
