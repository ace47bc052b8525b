/* Durations as Go writes them and kubectl's flags take them: `30s`, `1m30s`, `500ms`, `1.5h`, `0`. */

import { badFlag } from "./usage-error.ts";

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds, or undefined where `text` is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, sign = "", body = ""] = /^([+-]?)(.*)$/.exec(text) ?? [];
  if (body === "0") return 0;
  if (!/^([0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h))+$/.test(body)) return undefined;
  let sumMs = 0;
  for (const [, number, unit] of body.matchAll(/([0-9.]+)([a-zµ]+)/g))
    sumMs += Number(number) * (unitsMs[unit ?? ""] ?? Number.NaN);
  if (!Number.isFinite(sumMs)) return undefined;
  return sign === "-" ? -sumMs : sumMs;
}

/** A flag's value in milliseconds. */
export function durationFlag(flag: string): (value: string) => number {
  return (value) => {
    const ms = parseDuration(value);
    if (ms === undefined) throw badFlag(flag, value, "want a number with a unit, such as 30s, 1m30s or 500ms");
    return ms;
  };
}

/** A flag's value as a whole number. */
export function integerFlag(flag: string): (value: string) => number {
  return (value) => {
    if (!/^[+-]?[0-9]{1,15}$/.test(value)) throw badFlag(flag, value, "must be a whole number");
    return Number(value);
  };
}
