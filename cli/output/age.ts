/* How long ago, in the two units that matter: kubectl's AGE. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** `87s`, `2m3s`, `5h7m`, `4d2h`, `400d`, `3y40d`; two seconds of clock skew into the future are forgiven. */
export function formatAge(ms: number): string {
  if (ms <= -2 * second) return "<invalid>";
  if (ms < 0) return "0s";
  if (ms < 2 * minute) return `${Math.floor(ms / second)}s`;
  if (ms < 10 * minute) return twoUnits(ms, [minute, "m"], [second, "s"]);
  if (ms < 3 * hour) return `${Math.floor(ms / minute)}m`;
  if (ms < 8 * hour) return twoUnits(ms, [hour, "h"], [minute, "m"]);
  if (ms < 2 * day) return `${Math.floor(ms / hour)}h`;
  if (ms < 8 * day) return twoUnits(ms, [day, "d"], [hour, "h"]);
  if (ms < 2 * year) return `${Math.floor(ms / day)}d`;
  if (ms < 8 * year) return twoUnits(ms, [year, "y"], [day, "d"]);
  return `${Math.floor(ms / year)}y`;
}

/** The age of what an RFC 3339 time names. */
export function ageOf(time: string | undefined, nowMs: number): string {
  const atMs = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(atMs) ? "<unknown>" : formatAge(nowMs - atMs);
}

type Unit = readonly [ms: number, letter: string];

function twoUnits(ms: number, [bigMs, big]: Unit, [smallMs, small]: Unit): string {
  const rest = Math.floor((ms % bigMs) / smallMs);
  return `${Math.floor(ms / bigMs)}${big}${rest === 0 ? "" : `${rest}${small}`}`;
}
