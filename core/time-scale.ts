/* How many times as fast the control plane's timers run: tolerations, deadlines, back-offs, never anything of the data path. */

import { invalid } from "./errors.ts";

const scaleMax = 1_000;

/** Throws "invalid". */
export function parseTimeScale(text: string): number {
  const scale = Number(text);
  if (text.trim() === "" || !(scale >= 1 && scale <= scaleMax)) {
    throw invalid(`--time-scale "${text}": want a number from 1 to ${scaleMax}`);
  }
  return scale;
}
