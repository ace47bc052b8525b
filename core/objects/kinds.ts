/* The kinds of object, one table: names, groups and rules of each. A new kind is a file beside this one and a line here. */

import type { ObjectMeta, Resource } from "#proto/podwire/v1/resources.ts";
import { namespaceKind } from "./namespace.ts";
import { nodeKind } from "./node.ts";
import { podKind } from "./pod.ts";

/** What every object has. */
export interface ApiObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: ObjectMeta | undefined;
}

/** Something wrong with an object. */
export interface Problem {
  /** `spec.containers[0].name` */
  readonly path: string;
  /** As Kubernetes says it: `Required value`, `Invalid value: "X": must be …`. */
  readonly message: string;
}

export interface Kind<T extends ApiObject = ApiObject> {
  /** As in a manifest: "Pod". */
  readonly kind: string;
  readonly apiVersion: string;
  /** "pods"; also the first part of the objects' keys in the store. */
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** "all" for what `get all` shows. */
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** From JSON that passed check.ts. */
  fromJson(json: unknown): T;
  /** Plain JSON without empty lists and maps, in Kubernetes' order of fields. */
  toJson(object: T): unknown;
  /** For the wire. */
  wrap(object: T): Resource;
  /** The object with what Kubernetes fills in when it is written; without a status. */
  withDefaults(object: T): T;
  /** Everything that is wrong with a new object, defaults filled in. */
  validate(object: T): readonly Problem[];
  /** Everything that is wrong with changing `previous` into `next`; both pass `validate`. */
  validateUpdate(next: T, previous: T): readonly Problem[];
}

export const kinds: readonly Kind[] = [namespaceKind, nodeKind, podKind] as unknown as readonly Kind[];

/** By kind, plural, singular or short name, in any case: "Pod", "pods", "po". */
export function findKind(word: string): Kind | undefined {
  const lower = word.toLowerCase();
  return kinds.find(
    (kind) =>
      kind.kind.toLowerCase() === lower || kind.plural === lower || kind.singular === lower || kind.shortNames.includes(lower),
  );
}

/** Where an object stands in the store: `pods/default/web`, `nodes/node-1`. */
export function keyOf(kind: Pick<Kind, "plural" | "namespaced">, namespace: string | undefined, name: string): string {
  return kind.namespaced ? `${kind.plural}/${namespace ?? ""}/${name}` : `${kind.plural}/${name}`;
}
