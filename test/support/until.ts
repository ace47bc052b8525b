import { setTimeout as sleep } from "node:timers/promises";

/** Asks every `pauseMs` until `holds` answers true or something else than undefined, null and false; throws after the deadline, naming `what`. */
export async function until<T>(
  holds: () => T | Promise<T>,
  what: string,
  timeoutMs = 10_000,
  pauseMs = 5,
): Promise<Exclude<T, undefined | null | false>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await holds();
    if (answer) return answer as Exclude<T, undefined | null | false>;
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(pauseMs);
  }
}
