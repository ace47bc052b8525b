/* Reads what `-f` names: files, folders and standard input, YAML or JSON, several documents each. Every mistake is found before
 * anything is sent, and named with its file, document and line. */

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { type Document, isScalar, LineCounter, parseAllDocuments } from "yaml";
import { messageOf } from "#core/errors.ts";
import { isJsonObject, type JsonObject } from "#core/json.ts";
import { UsageError } from "./usage-error.ts";

export interface ManifestDocument {
  readonly content: JsonObject;
  /** `hello.yaml`, or `hello.yaml, document 2` where the file has several. */
  readonly source: string;
}

export interface ReadManifestsOptions {
  /** What -f named. */
  readonly paths: readonly string[];
  /** Folders inside folders too. */
  readonly recursive: boolean;
  readonly stdin: Readable;
}

/** Every object of every file, in order; lists are taken apart. Throws one UsageError that has all problems. */
export async function readManifests({ paths, recursive, stdin }: ReadManifestsOptions): Promise<ManifestDocument[]> {
  if (paths.length === 0) throw new UsageError("must specify -f FILE, -f FOLDER or -f - (standard input)", { inFlags: true });
  if (paths.filter((path) => path === "-").length > 1) throw new UsageError("-f - may be given once: standard input has one end");
  const problems: string[] = [];
  const documents: ManifestDocument[] = [];
  for (const path of paths) {
    for (const file of path === "-" ? ["-"] : await filesOf(path, recursive)) {
      const text = file === "-" ? (await buffer(stdin)).toString("utf8") : await readText(file);
      const parsed = parseManifests(text, file === "-" ? "standard input" : file);
      problems.push(...parsed.problems);
      documents.push(...parsed.documents);
    }
  }
  if (problems.length > 0) throw new UsageError(problems.join("\nerror: "));
  return documents;
}

export interface ParsedManifests {
  readonly documents: readonly ManifestDocument[];
  /** `hello.yaml, document 2, line 7: …` */
  readonly problems: readonly string[];
}

/** The objects of one text. */
export function parseManifests(text: string, file: string): ParsedManifests {
  const lines = new LineCounter();
  // kubectl's YAML is of version 1.1, where `yes` is true and 0644 is octal; but like kubectl's, without times and base 60.
  const parsed = parseAllDocuments(text, {
    version: "1.1",
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "error",
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === "string" || (tag.tag !== "tag:yaml.org,2002:timestamp" && tag.format !== "TIME")),
  });
  const yaml: readonly Document[] = Array.isArray(parsed) ? parsed : [];
  const full = yaml.flatMap((document, i) => (isEmpty(document) ? [] : [{ document, number: i + 1 }]));
  const documents: ManifestDocument[] = [];
  const problems: string[] = [];
  for (const { document, number } of full) {
    const source = full.length > 1 ? `${file}, document ${number}` : file;
    const wrong = document.errors.map((error) => `${source}, line ${lines.linePos(error.pos[0]).line}: ${error.message}`);
    if (wrong.length > 0) problems.push(...wrong);
    else collect(document, source, { documents, problems });
  }
  return { documents, problems };
}

interface Found {
  readonly documents: ManifestDocument[];
  readonly problems: string[];
}

function collect(document: Document, source: string, found: Found): void {
  let value: unknown;
  try {
    value = JSON.parse(JSON.stringify(document.toJS(), refuseNonJson));
  } catch (error) {
    // An alias of nothing, of itself, or of so much that it would fill the memory; a number that JSON lacks.
    found.problems.push(`${source}: ${messageOf(error).split("\n")[0]}`);
    return;
  }
  flatten(value, source, found);
}

function refuseNonJson(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${value} is no JSON number`);
  return value;
}

function flatten(value: unknown, source: string, found: Found): void {
  if (!isJsonObject(value)) {
    found.problems.push(`${source}: want an object with apiVersion, kind and metadata, not ${describe(value)}`);
    return;
  }
  if (value.kind !== "List") {
    found.documents.push({ content: value, source });
    return;
  }
  const items = value.items ?? [];
  if (!Array.isArray(items)) found.problems.push(`${source}: items of a List must be a list, not ${describe(items)}`);
  else for (const [i, item] of items.entries()) flatten(item, `${source}, item ${i + 1}`, found);
}

function isEmpty(document: Document): boolean {
  return (
    document.errors.length === 0 &&
    (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
  );
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value === null) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return `${typeof value === "object" ? "an object" : `the ${typeof value}`} ${text.length > 40 ? `${text.slice(0, 40)}…` : text}`;
}

const extensions = [".yaml", ".yml", ".json"];

async function filesOf(path: string, recursive: boolean): Promise<string[]> {
  if (/^https?:\/\//.test(path)) throw new UsageError(`-f ${path}: podwire reads files only; fetch it and use -f -`);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR")
      throw new UsageError(`the path ${JSON.stringify(path)} does not exist`);
    throw new UsageError(`cannot read ${path}: ${error.message}`);
  });
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { recursive, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory() && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (files.length === 0) throw new UsageError(`the folder ${JSON.stringify(path)} holds no ${extensions.join(", ")} file`);
  return files;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${messageOf(error)}`);
  }
}
