/* The words of `taint`, and what they make of a node's taints. Pure. */

import { labelValueProblem, qualifiedNameProblem } from "#core/names.ts";
import type { Taint } from "#proto/podwire/v1/resources.ts";
import { UsageError } from "./usage-error.ts";

export interface TaintChanges {
  readonly set: readonly TaintSpec[];
  /** Without an effect: all taints of that key. */
  readonly remove: readonly { readonly key: string; readonly effect: string | undefined }[];
}

export interface TaintSpec {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** `KEY=VALUE:EFFECT`, `KEY:EFFECT`, `KEY:EFFECT-`, `KEY-`; a UsageError names the word. */
export function parseTaintWords(words: readonly string[]): TaintChanges {
  const set: TaintSpec[] = [];
  const remove: { key: string; effect: string | undefined }[] = [];
  for (const word of words) {
    const removal = word.endsWith("-");
    const text = removal ? word.slice(0, -1) : word;
    const [left = "", effect, ...more] = text.split(":");
    const [key = "", value, ...rest] = left.split("=");
    if (key === "" || more.length > 0 || rest.length > 0 || (effect === undefined && !removal)) {
      throw new UsageError(`invalid taint spec: ${word}: want KEY=VALUE:EFFECT, KEY:EFFECT, KEY:EFFECT- or KEY-`);
    }
    if (effect !== undefined && !effects.includes(effect)) {
      throw new UsageError(`invalid taint effect: ${effect}, unsupported taint effect: want ${effects.join(", ")}`);
    }
    const problem = qualifiedNameProblem(key) ?? (value === undefined ? undefined : labelValueProblem(value));
    if (problem !== undefined) throw new UsageError(`invalid taint spec: ${word}, ${problem}`);
    if (removal) remove.push({ key, effect });
    else set.push({ key, value: value ?? "", effect: effect ?? "" });
  }
  refuseTwice(set);
  const both = set.find((taint) => remove.some((removed) => matches(taint, removed)));
  if (both !== undefined) {
    throw new UsageError(
      `can not both modify and remove the following taint(s) in the same command: {${both.key} ${both.effect}}`,
    );
  }
  return { set, remove };
}

function refuseTwice(set: readonly TaintSpec[]): void {
  const twice = set.find((taint, i) => set.findIndex((other) => other.key === taint.key && other.effect === taint.effect) !== i);
  if (twice !== undefined) throw new UsageError(`duplicated taints with the same key and effect: ${twice.key}:${twice.effect}`);
}

export interface Tainted {
  readonly taints: readonly Taint[];
  readonly done: "tainted" | "untainted" | "modified";
}

/** What a node's taints become, or what is wrong, in kubectl's words. */
export function applyTaints(
  before: readonly Taint[],
  { set, remove }: TaintChanges,
  { overwrite, node }: { readonly overwrite: boolean; readonly node: string },
): Tainted | { readonly problem: string } {
  const taken = set.filter((taint) => before.some((old) => old.key === taint.key && old.effect === taint.effect));
  if (taken.length > 0 && !overwrite) {
    const keys = taken.map(({ key }) => key).join(",");
    return { problem: `node ${node} already has ${keys} taint(s) with same effect(s) and --overwrite is false` };
  }
  const absent = remove.find((removed) => !before.some((old) => matches(old, removed)));
  if (absent !== undefined) {
    return {
      problem: `taint ${JSON.stringify(`${absent.key}${absent.effect === undefined ? "" : `:${absent.effect}`}`)} not found`,
    };
  }
  const kept = before.filter(
    (old) => !remove.some((removed) => matches(old, removed)) && !set.some((t) => t.key === old.key && t.effect === old.effect),
  );
  const done = set.length === 0 ? "untainted" : remove.length === 0 && taken.length === 0 ? "tainted" : "modified";
  const added = set.map(({ key, value, effect }): Taint => ({ key, effect, timeAdded: undefined, value: value || undefined }));
  return { taints: [...added, ...kept], done };
}

function matches(
  taint: { readonly key?: string | undefined; readonly effect?: string | undefined },
  removed: { readonly key: string; readonly effect: string | undefined },
): boolean {
  return taint.key === removed.key && (removed.effect === undefined || taint.effect === removed.effect);
}
