/* Reads the words that say which objects are meant, as kubectl does: `pods`, `pods,nodes`, `pod web db`, `pod/web node/node-1`. */

import { nearest } from "#core/nearest.ts";
import type { Kind } from "#core/objects/kind.ts";
import { findKind, kinds } from "#core/objects/kinds.ts";
import { didYouMean } from "./command-line.ts";
import { UsageError } from "./usage-error.ts";

export interface NamedTarget {
  readonly kind: Kind;
  readonly name: string;
  /** What a file says; otherwise it is the command line's. */
  readonly namespace?: string | undefined;
}

/** Where a target is; empty for kinds without namespaces. */
export function namespaceOf({ kind, namespace }: NamedTarget, commandLine: string): string {
  return kind.namespaced ? (namespace ?? commandLine) : "";
}

export type Targets =
  /** Every object of these kinds, for a selector to narrow. */
  { readonly how: "kinds"; readonly kinds: readonly Kind[] } | { readonly how: "names"; readonly names: readonly NamedTarget[] };

/** `verb` is for the message where there are no words. */
export function parseTargets(words: readonly string[], verb: string): Targets {
  const [first, ...names] = words;
  if (first === undefined) throw new UsageError(`You must specify the type of resource to ${verb}. Known types: ${knownTypes()}`);
  if (words.some((word) => word.includes("/"))) return { how: "names", names: words.map((word) => parseSlashed(word, words)) };
  const found = first.split(",").flatMap((word) => kindsOf(word));
  if (names.length === 0) return { how: "kinds", kinds: found };
  return { how: "names", names: found.flatMap((kind) => names.map((name) => ({ kind, name }))) };
}

/** One object: `pod/web`, `pod web`, or, where `fallback` is a kind, `web`. */
export function parseOneTarget(word: string, fallback: Kind): NamedTarget {
  return word.includes("/") ? parseSlashed(word, [word]) : { kind: fallback, name: word };
}

/** The kind that `word` names; a UsageError with the nearest name where there is none. */
export function kindOf(word: string): Kind {
  const kind = findKind(word);
  if (kind !== undefined) return kind;
  const words = kinds.flatMap((known) => [known.plural, known.singular, ...known.shortNames]);
  throw new UsageError(`the server doesn't have a resource type ${JSON.stringify(word)}${didYouMean(nearest(word, words))}`);
}

function kindsOf(word: string): readonly Kind[] {
  const category = kinds.filter((kind) => kind.categories.includes(word.toLowerCase()));
  return category.length > 0 ? category : [kindOf(word)];
}

function parseSlashed(word: string, all: readonly string[]): NamedTarget {
  const [kind, name, ...more] = word.split("/");
  if (!word.includes("/")) {
    throw new UsageError(
      `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (${all.join(" ")})`,
    );
  }
  if (!kind || !name || more.length > 0) {
    throw new UsageError(`arguments in resource/name form must have a single resource and name, not ${JSON.stringify(word)}`);
  }
  return { kind: kindOf(kind), name };
}

function knownTypes(): string {
  return kinds
    .map((kind) => `${kind.plural}${kind.shortNames.length === 0 ? "" : ` (${kind.shortNames.join(", ")})`}`)
    .join(", ");
}
