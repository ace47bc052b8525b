import type { ApiObject } from "#core/objects/kind.ts";
import type { Query } from "../../objects.ts";

export interface Surroundings {
  /** What the describer's query found. */
  readonly related: readonly ApiObject[];
  readonly nowMs: number;
}

export interface Describer<T extends ApiObject = ApiObject> {
  /** Other objects that the description tells of. */
  related?(object: T): Query | undefined;
  /** Cells parted by tabs. */
  lines(object: T, surroundings: Surroundings): readonly string[];
}
