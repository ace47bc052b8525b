import type { ApiObject } from "#core/objects/kind.ts";
import type { Event } from "#proto/podwire/v1/resources.ts";
import type { Query } from "../../objects.ts";

export interface Surroundings {
  /** What the describer's query found. */
  readonly related: readonly ApiObject[];
  /** What happened to the object; undefined where nobody asked. */
  readonly events: readonly Event[] | undefined;
  readonly nowMs: number;
}

export interface Describer<T extends ApiObject = ApiObject> {
  /** Other objects that the description tells of. */
  related?(object: T): Query | undefined;
  /** Whether it ends with what happened to the object. */
  readonly events?: true;
  /** Cells parted by tabs. */
  lines(object: T, surroundings: Surroundings): readonly string[];
}
