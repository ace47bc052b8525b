/* Outside input beside the table of fields, before ts-proto's `fromJSON` sees it, which checks nothing: it makes NaN of
 * "three" and loses what it doesn't know.
 *
 * (1) It never throws and always ends, on any value: depth, size and the number of problems are bounded.
 * (2) All that is wrong is found in one walk; a wrong part is left out of `value`, and the walk goes on.
 * (3) As in Kubernetes, null means absent.
 * (4) `value` is a new one: it shares nothing with the input, and no key of it can reach a prototype. */

import { isJsonObject, own, setOwn } from "../json.ts";
import type { Problem } from "./kind.ts";
import { clip, createProblemList, invalidValue, type ProblemList, unknownField } from "./problem.ts";
import { schema } from "./schema.gen.ts";
import type { FieldSchema, FieldType, MessageSchema } from "./schema.ts";

/** A level of a Struct is three messages inside each other, and ts-proto decodes no more than 100: 32 levels come through. */
const depthMax = 32;
/** As etcd's limit on a request. */
const bytesMax = 1536 * 1024;
/** What the smallest value counts for, which bounds how many there are: some 49,000. */
const valueBytesMin = 32;

export interface Checked {
  readonly errors: readonly Problem[];
  /** Unknown fields, and fields that are kept without being acted on. */
  readonly warnings: readonly Problem[];
  /** The input without unknown fields and nulls: what `fromJson` may read. What was wrong is missing. */
  readonly value: unknown;
}

/** Checks a parsed JSON or YAML value against a message of resources.proto: a kind, such as "Pod", or a part of one. */
export function checkJson(type: string, value: unknown): Checked {
  const walk: Walk = { errors: createProblemList(), warnings: createProblemList(), bytesLeft: bytesMax };
  const message = own(schema, type);
  if (message === undefined) throw new Error(`resources.proto has no message ${type}`);
  const checked = isJsonObject(value) ? checkMessage(message, value, rootAt, walk) : mustBe("an object", value, rootAt, walk);
  if (walk.bytesLeft < 0) walk.errors.add([{ path: "", message: `Too long: may not be more than ${bytesMax} bytes` }]);
  return { errors: walk.errors.problems(), warnings: walk.warnings.problems(), value: checked };
}

interface Walk {
  readonly errors: ProblemList;
  readonly warnings: ProblemList;
  bytesLeft: number;
}

interface Place {
  readonly path: string;
  readonly depth: number;
  /** In a status, which only the control plane writes: there unknown fields are no news to whoever applies an export. */
  readonly quiet: boolean;
}

const rootAt: Place = { path: "", depth: 0, quiet: false };

/** What every exported manifest carries and nobody misses. */
const silentlyDropped = new Set(["metadata.managedFields", "metadata.selfLink"]);

/** Kept fields at the value that Kubernetes fills in by itself, and the pull policy of images that nobody pulls. */
const saysNothing: Readonly<Record<string, (value: unknown) => boolean>> = {
  imagePullPolicy: () => true,
  schedulerName: (value) => value === "default-scheduler",
  serviceAccountName: (value) => value === "default",
  serviceAccount: (value) => value === "default",
  preemptionPolicy: (value) => value === "PreemptLowerPriority",
  priority: (value) => value === 0,
};

/** Quantities may be written as numbers, and are kept as strings. */
const quantityFields = new Set(["capacity", "allocatable", "overhead", "limits", "requests", "sizeLimit"]);

function checkMessage(message: MessageSchema, value: Readonly<Record<string, unknown>>, at: Place, walk: Walk): unknown {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = value[key];
    const place = within(at, at.path === "" ? clip(key) : `${at.path}.${clip(key)}`);
    if (!spend(key.length + valueBytesMin, walk)) break;
    const field = own(message, key);
    if (field === undefined) {
      if (!place.quiet && !silentlyDropped.has(place.path)) {
        walk.warnings.add([unknownField(place.path, key, Object.keys(message))]);
      }
    } else if (item !== null && item !== undefined) {
      if (field.kept && !place.quiet && !isEmpty(item) && own(saysNothing, key)?.(item) !== true) {
        walk.warnings.add([{ path: place.path, message: "kept, but Podwire does not act on it" }]);
      }
      const checked = checkField(field, key, item, key === "status" && at.depth === 0 ? { ...place, quiet: true } : place, walk);
      if (checked !== undefined) setOwn(result, key, checked);
    }
  }
  return result;
}

function checkField(field: FieldSchema, name: string, value: unknown, at: Place, walk: Walk): unknown {
  switch (field.shape) {
    case "one":
      return checkValue(field.type, quantityFields.has(name) ? asQuantity(value) : value, at, walk);
    case "list":
      if (!Array.isArray(value)) return mustBe("a list", value, at, walk);
      return checkList(field.type, value, at, walk);
    case "map": {
      if (!isJsonObject(value)) return mustBe("an object", value, at, walk);
      const read = quantityFields.has(name) ? asQuantity : (item: unknown) => item;
      return checkMap(value, at, walk, (item, place) =>
        // A key without a value, `app:` in YAML, is an empty string.
        item === null || item === undefined ? "" : checkValue(field.type, read(item), place, walk),
      );
    }
  }
}

function asQuantity(value: unknown): unknown {
  return Number.isFinite(value) ? String(value) : value;
}

function checkList(type: FieldType, value: readonly unknown[], at: Place, walk: Walk): unknown[] {
  const result: unknown[] = [];
  for (const [i, item] of value.entries()) {
    if (!spend(valueBytesMin, walk)) break;
    const checked = checkValue(type, item, within(at, `${at.path}[${i}]`), walk);
    // Something stands for a wrong item, or those after it would move up and get its path in later messages.
    result.push(checked === undefined ? placeholder(type) : checked);
  }
  return result;
}

function placeholder(type: FieldType): unknown {
  return type === "string" ? "" : type === "value" ? null : {};
}

function checkMap(
  value: Readonly<Record<string, unknown>>,
  at: Place,
  walk: Walk,
  checkItem: (item: unknown, at: Place) => unknown,
): unknown {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (!spend(key.length + valueBytesMin, walk)) break;
    const place = within(at, `${at.path}.${clip(key)}`);
    // Generated code sets keys by assignment, which would set a prototype here.
    if (key === "__proto__") walk.warnings.add([unknownField(place.path, key, [])]);
    else {
      const checked = checkItem(value[key], place);
      if (checked !== undefined) setOwn(result, key, checked);
    }
  }
  return result;
}

function checkValue(type: FieldType, value: unknown, at: Place, walk: Walk): unknown {
  if (at.depth > depthMax) {
    walk.errors.add([{ path: at.path, message: `Too deep: may not be nested in more than ${depthMax} levels` }]);
    return undefined;
  }
  switch (type) {
    case "string":
      if (typeof value !== "string") return mustBe(`a string${quoteHint(value)}`, value, at, walk);
      return spend(value.length, walk) ? value : undefined;
    case "bool":
      return typeof value === "boolean" ? value : mustBe("true or false", value, at, walk);
    case "int32":
      return checkInteger(value, { min: -(2 ** 31), max: 2 ** 31 - 1 }, at, walk);
    case "int64":
      return checkInteger(value, { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }, at, walk);
    case "double":
      return Number.isFinite(value) ? value : mustBe("a number", value, at, walk);
    case "struct":
      return isJsonObject(value) ? checkAny(value, at, walk) : mustBe("an object", value, at, walk);
    case "value":
      return checkAny(value, at, walk);
    default: {
      if (!isJsonObject(value)) return mustBe("an object", value, at, walk);
      const message = own(schema, type.message);
      return message === undefined ? undefined : checkMessage(message, value, at, walk);
    }
  }
}

function checkInteger(value: unknown, { min, max }: { min: number; max: number }, at: Place, walk: Walk): unknown {
  if (typeof value === "string" && /^-?[0-9]+$/.test(value)) return mustBe("an integer, without quotes", value, at, walk);
  if (!Number.isInteger(value)) return mustBe("an integer", value, at, walk);
  if ((value as number) < min || (value as number) > max) return mustBe(`between ${min} and ${max}, inclusive`, value, at, walk);
  return value;
}

/** What is kept as it is. */
function checkAny(value: unknown, at: Place, walk: Walk): unknown {
  if (typeof value === "string") return checkValue("string", value, at, walk);
  if (value === null || typeof value === "boolean" || Number.isFinite(value)) return value;
  if (Array.isArray(value)) return checkList("value", value, at, walk);
  if (isJsonObject(value)) return checkMap(value, at, walk, (item, place) => checkValue("value", item, place, walk));
  return mustBe("JSON", value, at, walk);
}

function mustBe(what: string, value: unknown, at: Place, walk: Walk): undefined {
  walk.errors.add([invalidValue(at.path, value, `must be ${what}`)]);
  return undefined;
}

/** The most frequent mistake in YAML: 8080, true and no are not strings there. */
function quoteHint(value: unknown): string {
  return typeof value === "number" || typeof value === "boolean" ? ` (quote it: "${value}")` : "";
}

function within(at: Place, path: string): Place {
  return { path, depth: at.depth + 1, quiet: at.quiet };
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Takes what a key or a value weighs; false once the input weighs too much. */
function spend(bytes: number, walk: Walk): boolean {
  walk.bytesLeft -= bytes;
  return walk.bytesLeft >= 0;
}
