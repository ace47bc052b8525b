/* Kubernetes' IntOrString where it is a number or a share: 2, or "25%". */

import type { Problem } from "./objects/kind.ts";
import { invalidValue, outside } from "./objects/problem.ts";

const percentPattern = /^[0-9]+%$/;
const percentRule =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%', regex used for validation is '[0-9]+%')";

/** How many of `total` it is; what is no such value is 0. */
export function scaledValue(value: unknown, total: number, round: "up" | "down"): number {
  if (typeof value === "number") return value;
  const percent = percentOf(value);
  if (percent === undefined) return 0;
  return round === "up" ? Math.ceil((percent * total) / 100) : Math.floor((percent * total) / 100);
}

/** 25 of "25%"; undefined for all else. */
export function percentOf(value: unknown): number | undefined {
  return typeof value === "string" && percentPattern.test(value) ? Number(value.slice(0, -1)) : undefined;
}

export function isZero(value: unknown): boolean {
  return value === 0 || percentOf(value) === 0;
}

/** Everything that is wrong with one that may not be below 0. */
export function validateIntOrPercent(path: string, value: unknown): Problem[] {
  if (typeof value === "string") return percentPattern.test(value) ? [] : [invalidValue(path, value, percentRule)];
  if (typeof value === "number" && Number.isInteger(value)) return outside(path, value, { min: 0 });
  return [invalidValue(path, value, "must be an integer or percentage (e.g '5%')")];
}
