/* A JSONPath template and a document to text, as kubectl prints it: the results of one path are joined by spaces, text stands as it
 * is, lists and maps are JSON. What isn't there gives nothing; an index past the end of a list is an error. */

import { unreachable } from "#core/errors.ts";
import { isJsonObject, type Json, own } from "#core/json.ts";
import { UsageError } from "../../usage-error.ts";
import type { Comparison, Filter, Operand, Path, Step, Template } from "./parse.ts";

export function renderJsonPath(template: Template, document: Json): string {
  return renderParts(template, { root: document, current: document });
}

/** Everything that `path` leads to. */
export function findJsonPath(path: Path, document: Json): Json[] {
  return find(path, { root: document, current: document });
}

/** As it is printed: text without quotes, the rest as JSON. */
export function jsonPathText(value: Json): string {
  if (value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

interface Scope {
  readonly root: Json;
  readonly current: Json;
}

function renderParts(parts: Template, scope: Scope): string {
  return parts
    .map((part) => {
      switch (part.type) {
        case "text":
          return part.text;
        case "path":
          return find(part.path, scope).map(jsonPathText).join(" ");
        case "range":
          return find(part.path, scope)
            .map((current) => renderParts(part.body, { ...scope, current }))
            .join("");
        default:
          return unreachable(part);
      }
    })
    .join("");
}

function find({ from, steps }: Path, scope: Scope): Json[] {
  const start = from === "root" ? scope.root : scope.current;
  return steps.reduce(
    (values: Json[], step) => {
      // As kubectl: everything that the first key leads to, then everything that the second does.
      if (step.type === "union")
        return step.paths.flatMap((path) => values.flatMap((current) => find(path, { ...scope, current })));
      return values.flatMap((value) => follow(step, value, scope));
    },
    [start],
  );
}

function follow(step: Exclude<Step, { type: "union" }>, value: Json, scope: Scope): Json[] {
  switch (step.type) {
    case "field": {
      const found = isJsonObject(value) ? own(value, step.name) : undefined;
      return found === undefined ? [] : [found];
    }
    case "wildcard":
      return childrenOf(value);
    case "recursive":
      return withDescendants(value);
    case "index":
      return indexOf(listOf(value), step.index);
    case "slice":
      return sliceOf(listOf(value), step);
    case "filter":
      return listOf(value).filter((current) => passes(step.filter, { ...scope, current }));
    default:
      return unreachable(step);
  }
}

function childrenOf(value: Json): Json[] {
  if (isJsonObject(value)) return Object.values(value);
  return Array.isArray(value) ? [...value] : [];
}

/** Itself and all below, outer before inner; only what has parts can be stepped into. */
function withDescendants(value: Json): Json[] {
  const children = childrenOf(value);
  return children.length === 0 ? [] : [value, ...children.flatMap(withDescendants)];
}

function listOf(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value;
  if (value === null) return [];
  throw new UsageError(`jsonpath: ${shorten(value)} is not a list`);
}

function indexOf(list: readonly Json[], index: number): Json[] {
  const value = list.at(index);
  if (value === undefined) throw outOfBounds(index, list.length);
  return [value];
}

function sliceOf(list: readonly Json[], { start = 0, end = list.length, step }: Step & { type: "slice" }): Json[] {
  const from = start < 0 ? start + list.length : start;
  const to = end < 0 ? end + list.length : end;
  if (from === to) return [];
  if (from < 0 || from >= list.length) throw outOfBounds(start, list.length);
  if (to < 0 || to > list.length) throw outOfBounds(end, list.length);
  if (from > to) throw new UsageError(`jsonpath: starting index ${start} is greater than ending index ${end}`);
  return list.slice(from, to).filter((_, i) => i % step === 0);
}

function outOfBounds(index: number, length: number): UsageError {
  return new UsageError(`jsonpath: array index out of bounds: index ${index}, length ${length}`);
}

function passes(filter: Filter, scope: Scope): boolean {
  const left = valuesOf(filter.left, scope);
  if (filter.operator === "exists") return left.length > 0;
  const right = valuesOf(filter.right, scope);
  if (left.length > 1 || right.length > 1) throw new UsageError("jsonpath: a filter can only compare one element at a time");
  const [a, b] = [left[0], right[0]];
  return a !== undefined && b !== undefined && a !== null && b !== null && compare(filter.operator, a, b);
}

function valuesOf(operand: Operand, scope: Scope): Json[] {
  return operand.type === "literal" ? [operand.value] : find(operand.path, scope);
}

function compare(operator: Comparison, a: Json, b: Json): boolean {
  if (typeof a !== typeof b || typeof a === "object" || typeof b === "object" || a === null || b === null) {
    throw new UsageError(`jsonpath: incompatible types for comparison: ${shorten(a)} and ${shorten(b)}`);
  }
  switch (operator) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    default:
      return unreachable(operator);
  }
}

function shorten(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
