/** Aborts with `reason` after so many milliseconds; keeps no process alive. Unlike AbortSignal.timeout, it says what was waited for. */
export function deadline(ms: number, reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), ms).unref();
  return controller.signal;
}
