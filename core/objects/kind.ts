/* What a kind of object is: one entry of the table in kinds.ts. */

import type { ObjectMeta, Resource } from "#proto/podwire/v1/resources.ts";

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
  /** What `next` becomes when it takes the place of `previous`, before it is validated: what a user left to us stays. */
  afterChange?(next: T, previous: T): T;
  /** Everything that is wrong with a new object, defaults filled in. */
  validate(object: T): readonly Problem[];
  /** Everything that is wrong with changing `previous` into `next`; both pass `validate`. */
  validateUpdate(next: T, previous: T): readonly Problem[];
}
