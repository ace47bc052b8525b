/* kubectl's dialect of JSONPath (https://kubernetes.io/docs/reference/kubectl/jsonpath/) from text to a tree. A template is plain
 * text with actions in braces: `{.items[*].metadata.name}{"\n"}`, `{range .items[*]}…{end}`. Total: every text gives a tree or a
 * UsageError, and no more than `depthMax` levels nest.
 *
 *   action  = "{" (text | range | "end" | path)* "}"
 *   path    = ["$" | "@"] step*
 *   step    = "." name | "." "*" | ".." | "[" ("*" | slice | filter | key ("," key)*) "]"
 *   slice   = [int] [":" [int] [":" [int]]]
 *   filter  = "?(" operand [("==" | "!=" | "<" | "<=" | ">" | ">=") operand] ")"
 *
 * As in kubectl, a quoted key is itself a path: `['a.b']` is `.a.b`, and a backslash takes the next character as it is. */

import { UsageError } from "../../usage-error.ts";

export type Template = readonly Part[];

export type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "path"; readonly path: Path }
  | { readonly type: "range"; readonly path: Path; readonly body: Template };

export interface Path {
  readonly from: "root" | "current";
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly type: "field"; readonly name: string }
  | { readonly type: "wildcard" }
  /** The value and everything inside it that has parts. */
  | { readonly type: "recursive" }
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "slice"; readonly start: number | undefined; readonly end: number | undefined; readonly step: number }
  | { readonly type: "union"; readonly paths: readonly Path[] }
  | { readonly type: "filter"; readonly filter: Filter };

export type Filter =
  | { readonly operator: "exists"; readonly left: Operand }
  | { readonly operator: Comparison; readonly left: Operand; readonly right: Operand };

export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

export type Operand =
  | { readonly type: "literal"; readonly value: string | number | boolean }
  | { readonly type: "path"; readonly path: Path };

const depthMax = 32;

/** Throws a UsageError that quotes the template. */
export function parseJsonPath(text: string): Template {
  const cursor = createCursor(text);
  const parts = parseParts(cursor, 0);
  if (!cursor.atEnd()) throw cursor.fail("not in range, nothing to end");
  return parts;
}

/** A bare path, braces or not, with or without the first dot: as `wait --for=jsonpath=` takes it. */
export function parseRelaxedPath(text: string): Path {
  const inner = /^\{(.*)\}$/s.exec(text.trim())?.[1] ?? text.trim();
  const cursor = createCursor(/^[.[$@]/.test(inner) ? inner : `.${inner}`);
  const path = parsePath(cursor, 0);
  cursor.skipSpace();
  if (!cursor.atEnd()) throw cursor.fail("want one path");
  return path;
}

interface Cursor {
  peek(length?: number): string;
  /** Moves past `word` where it stands here. */
  take(word: string): boolean;
  /** Moves past what matches here; `pattern` must be sticky. */
  match(pattern: RegExp): string | undefined;
  skipSpace(): void;
  atEnd(): boolean;
  fail(problem: string): UsageError;
}

function createCursor(text: string): Cursor {
  let at = 0;
  return {
    peek: (length = 1) => text.slice(at, at + length),
    take(word) {
      if (!text.startsWith(word, at)) return false;
      at += word.length;
      return true;
    },
    match(pattern) {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      if (found !== undefined) at += found.length;
      return found;
    },
    skipSpace() {
      while (/\s/.test(text[at] ?? "")) at += 1;
    },
    atEnd: () => at >= text.length,
    fail: (problem) => new UsageError(`error parsing jsonpath ${text}, ${problem}`),
  };
}

/** Text and actions up to the end of the template, or past the `{end}` of the range that we are in. */
function parseParts(cursor: Cursor, depth: number): Part[] {
  if (depth > depthMax) throw cursor.fail(`more than ${depthMax} levels`);
  const parts: Part[] = [];
  while (!cursor.atEnd()) {
    const text = cursor.match(/[^{]+/y);
    if (text !== undefined) {
      parts.push({ type: "text", text });
      continue;
    }
    cursor.take("{");
    for (let open = true; open; ) {
      cursor.skipSpace();
      if (cursor.take("}")) open = false;
      else if (cursor.atEnd()) throw cursor.fail("unclosed action");
      else if (/["']/.test(cursor.peek())) parts.push({ type: "text", text: parseQuoted(cursor) });
      else if (cursor.match(/range(?![\w])/y) !== undefined) {
        parts.push(parseRange(cursor, depth));
        open = false;
      } else if (cursor.match(/end(?![\w])/y) !== undefined) {
        cursor.skipSpace();
        if (depth === 0) throw cursor.fail("not in range, nothing to end");
        if (!cursor.take("}")) throw cursor.fail("unclosed action");
        return parts;
      } else parts.push({ type: "path", path: parsePath(cursor, depth) });
    }
  }
  if (depth > 0) throw cursor.fail("a range has no {end}");
  return parts;
}

function parseRange(cursor: Cursor, depth: number): Part {
  cursor.skipSpace();
  const path = parsePath(cursor, depth);
  cursor.skipSpace();
  if (!cursor.take("}")) throw cursor.fail("unclosed action");
  return { type: "range", path, body: parseParts(cursor, depth + 1) };
}

function parsePath(cursor: Cursor, depth: number): Path {
  if (depth > depthMax) throw cursor.fail(`more than ${depthMax} levels`);
  const rooted = cursor.take("$");
  const marked = rooted || cursor.take("@");
  const steps: Step[] = [];
  if (!marked && !/^[.[]$/.test(cursor.peek())) {
    throw cursor.fail(`unrecognized identifier ${cursor.match(/[^{}\s.[\]()]+/y) ?? cursor.peek()}`);
  }
  for (;;) {
    if (cursor.take("..")) {
      steps.push({ type: "recursive" });
      const name = cursor.match(namePattern);
      if (name !== undefined) steps.push(fieldStep(name));
    } else if (cursor.take(".")) {
      const name = cursor.match(namePattern);
      if (name !== undefined) steps.push(fieldStep(name));
      // `.` alone is the object itself; `.[0]` goes on.
      else if (!/^[[}\s),]?$/.test(cursor.peek())) throw cursor.fail(`unexpected ${JSON.stringify(cursor.peek())} after "."`);
    } else if (cursor.take("[")) steps.push(parseBrackets(cursor, depth));
    else break;
    if (steps.length > 1_000) throw cursor.fail("a path of more than 1000 steps");
  }
  if (/^[$@{,\]]/.test(cursor.peek()) && !cursor.atEnd()) throw cursor.fail(`unexpected ${JSON.stringify(cursor.peek())}`);
  return { from: rooted ? "root" : "current", steps };
}

/** A name ends where another step or the action does; a backslash takes any character into it. */
const namePattern = /(?:\\[\s\S]|[^\s.,[\]$@{}()=!<>\\])+/y;

function fieldStep(name: string): Step {
  return name === "*" ? { type: "wildcard" } : { type: "field", name: name.replace(/\\([\s\S])/g, "$1") };
}

function parseBrackets(cursor: Cursor, depth: number): Step {
  cursor.skipSpace();
  if (cursor.take("?")) return parseFilter(cursor, depth);
  const step = /["']/.test(cursor.peek()) ? parseKeys(cursor, depth) : parseNumbers(cursor);
  cursor.skipSpace();
  if (!cursor.take("]")) throw cursor.fail("unterminated array");
  return step;
}

function parseKeys(cursor: Cursor, depth: number): Step {
  const paths: Path[] = [];
  do {
    cursor.skipSpace();
    const inner = createCursor(`.${parseKey(cursor)}`);
    const path = parsePath(inner, depth + 1);
    if (!inner.atEnd()) throw cursor.fail("unexpected end of a key");
    paths.push(path);
    cursor.skipSpace();
  } while (cursor.take(","));
  return { type: "union", paths };
}

/** What stands between quotes, its backslashes kept: they belong to the path inside. */
function parseKey(cursor: Cursor): string {
  const quoted = cursor.match(/'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"/y);
  if (quoted === undefined) throw cursor.fail("unterminated quoted string");
  return quoted.slice(1, -1);
}

function parseNumbers(cursor: Cursor): Step {
  if (cursor.take("*")) return { type: "wildcard" };
  const text = cursor.match(/-?[0-9]*(?:\s*,\s*-?[0-9]+)*(?::-?[0-9]*){0,2}/y) ?? "";
  if (text.includes(",") && !text.includes(":")) {
    const indices = text.split(",").map((part) => toInteger(cursor, part.trim()));
    return { type: "union", paths: indices.map((index) => ({ from: "current", steps: [{ type: "index", index }] })) };
  }
  const [start = "", end, step] = text.split(":");
  if (end === undefined) return { type: "index", index: toInteger(cursor, start) };
  const stride = step === undefined || step === "" ? 1 : toInteger(cursor, step);
  if (stride <= 0) throw cursor.fail("step must be > 0");
  return {
    type: "slice",
    start: start === "" ? undefined : toInteger(cursor, start),
    end: end === "" ? undefined : toInteger(cursor, end),
    step: stride,
  };
}

function toInteger(cursor: Cursor, text: string): number {
  if (!/^-?[0-9]{1,15}$/.test(text)) throw cursor.fail(`invalid array index ${text === "" ? cursor.peek() : text}`);
  return Number(text);
}

function parseFilter(cursor: Cursor, depth: number): Step {
  if (!cursor.take("(")) throw cursor.fail('want "(" after "?"');
  const left = parseOperand(cursor, depth + 1);
  const operator = cursor.match(/==|!=|<=|>=|<|>/y);
  const filter: Filter =
    operator === undefined
      ? { operator: "exists", left }
      : { operator: operator as Comparison, left, right: parseOperand(cursor, depth + 1) };
  if (!cursor.take(")")) throw cursor.fail("unterminated filter");
  cursor.skipSpace();
  if (!cursor.take("]")) throw cursor.fail("unterminated array");
  return { type: "filter", filter };
}

function parseOperand(cursor: Cursor, depth: number): Operand {
  cursor.skipSpace();
  const operand = readOperand(cursor, depth);
  cursor.skipSpace();
  return operand;
}

function readOperand(cursor: Cursor, depth: number): Operand {
  if (/["']/.test(cursor.peek())) return { type: "literal", value: parseQuoted(cursor) };
  const number = cursor.match(/[+-]?[0-9]+(?:\.[0-9]+)?/y);
  if (number !== undefined) return { type: "literal", value: Number(number) };
  const boolean = cursor.match(/(?:true|false)(?![\w])/y);
  if (boolean !== undefined) return { type: "literal", value: boolean === "true" };
  if (!/[@$.[]/.test(cursor.peek())) throw cursor.fail(`unexpected ${JSON.stringify(cursor.peek())} in a filter`);
  return { type: "path", path: parsePath(cursor, depth) };
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0" };

function parseQuoted(cursor: Cursor): string {
  return parseKey(cursor).replace(/\\([\s\S])/g, (_, character: string) => escapes[character] ?? character);
}
