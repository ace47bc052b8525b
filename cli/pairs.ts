/* The words of `label` and `annotate`: which objects, what to set, what to take away. */

import { UsageError } from "./usage-error.ts";

export interface PairWords {
  /** The words before the first pair. */
  readonly targets: readonly string[];
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** `noun` is "label" or "annotation". */
export function parsePairWords(words: readonly string[], noun: string): PairWords {
  const at = words.findIndex(isPair);
  const pairs = at === -1 ? [] : words.slice(at);
  const stray = pairs.find((word) => !isPair(word));
  if (stray !== undefined) throw new UsageError(`all resources must be specified before ${noun} changes: ${stray}`);
  return { targets: at === -1 ? words : words.slice(0, at), ...parsePairs(pairs, noun) };
}

/** Of a flag's words, each `KEY=VALUE`. */
export function parseLabelPairs(words: readonly string[], noun: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf("=");
      if (equals <= 0) throw new UsageError(`unexpected ${noun} format: ${JSON.stringify(word)}, want KEY=VALUE`);
      return [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}

function isPair(word: string): boolean {
  return word.includes("=") || (word.endsWith("-") && word.length > 1);
}

function parsePairs(words: readonly string[], noun: string): Pick<PairWords, "set" | "remove"> {
  const set: [string, string][] = [];
  const remove: string[] = [];
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals === 0) throw new UsageError(`invalid ${noun} spec: ${word}`);
    if (equals > 0) set.push([word.slice(0, equals), word.slice(equals + 1)]);
    else remove.push(word.slice(0, -1));
  }
  const both = set.find(([key]) => remove.includes(key));
  if (both !== undefined) throw new UsageError(`can not both modify and remove ${article(noun)} ${noun} in the same command`);
  return { set: Object.fromEntries(set), remove };
}

function article(noun: string): string {
  return noun.startsWith("a") ? "an" : "a";
}
