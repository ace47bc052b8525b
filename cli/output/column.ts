import type { ApiObject } from "#core/objects/kind.ts";

export interface Column<T extends ApiObject = ApiObject> {
  readonly title: string;
  /** Only with `-o wide`. */
  readonly wide?: true;
  cell(object: T, nowMs: number): string;
}
