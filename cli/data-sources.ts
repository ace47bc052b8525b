/* Where `create configmap` and `create secret` take their keys from: words, files, folders, and files of variables. */

import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Command, Option } from "commander";
import { messageOf } from "#core/errors.ts";
import { UsageError } from "./usage-error.ts";

export interface DataSources {
  /** KEY=VALUE */
  readonly fromLiteral?: readonly string[];
  /** FILE, KEY=FILE or FOLDER */
  readonly fromFile?: readonly string[];
  readonly fromEnvFile?: readonly string[];
}

export function dataFlags(command: Command): void {
  const repeated = (flags: string, description: string) =>
    command.addOption(
      new Option(flags, description).argParser((value: string, before: readonly string[] = []) => [...before, value]),
    );
  repeated("--from-literal <key=value>", "configmap, secret: a key and its value; may be given again");
  repeated("--from-file <[key=]path>", "configmap, secret: a file, under its own name or KEY, or every file of a folder");
  repeated("--from-env-file <file>", "configmap, secret: a file with a KEY=VALUE on each line");
}

/** Every key with its bytes. Throws a UsageError for what can't be read and for a key that comes twice. */
export async function readDataSources({
  fromLiteral = [],
  fromFile = [],
  fromEnvFile = [],
}: DataSources): Promise<Map<string, Buffer>> {
  if (fromEnvFile.length > 0 && fromLiteral.length + fromFile.length > 0) {
    throw new UsageError("from-env-file cannot be combined with from-file or from-literal");
  }
  const data = new Map<string, Buffer>();
  const add = (key: string, value: Buffer) => {
    const problem = keyProblem(key);
    if (problem !== undefined) throw new UsageError(`${JSON.stringify(key)} is not a valid key name: ${problem}`);
    if (data.has(key)) throw new UsageError(`cannot add key ${JSON.stringify(key)}, another key by that name already exists`);
    data.set(key, value);
  };
  for (const text of fromFile) for (const [key, path] of await filesOf(text)) add(key, await read(path));
  for (const text of fromLiteral) {
    const equals = text.indexOf("=");
    if (equals <= 0) throw new UsageError(`invalid literal source ${text}, expected key=value`);
    add(text.slice(0, equals), Buffer.from(unquote(text.slice(equals + 1))));
  }
  for (const path of fromEnvFile) {
    for (const [key, value] of variablesOf((await read(path)).toString("utf8"), path)) add(key, Buffer.from(value));
  }
  return data;
}

function keyProblem(key: string): string | undefined {
  if (key.length > 253) return "must be no more than 253 characters";
  if (key === "." || key === ".." || key.startsWith("..")) return "must not be '.' or begin with '..'";
  return /^[-._a-zA-Z0-9]+$/.test(key) ? undefined : "must consist of alphanumeric characters, '-', '_' or '.'";
}

async function filesOf(text: string): Promise<[key: string, path: string][]> {
  const equals = text.indexOf("=");
  const path = text.slice(equals + 1);
  if (equals === 0) throw new UsageError(`key name for file path ${path} missing`);
  if (path === "") throw new UsageError(`file path for key name ${text.slice(0, equals)} missing`);
  const found = await stat(path).catch((error) => {
    throw new UsageError(`error reading ${path}: ${messageOf(error)}`);
  });
  if (equals > 0) {
    if (found.isDirectory()) throw new UsageError("cannot give a key name for a directory path");
    return [[text.slice(0, equals), path]];
  }
  if (!found.isDirectory()) return [[basename(path), path]];
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && keyProblem(entry.name) === undefined)
    .map((entry): [string, string] => [entry.name, join(path, entry.name)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UsageError(`error reading ${path}: ${messageOf(error)}`);
  }
}

function variablesOf(text: string, path: string): [string, string][] {
  return text.split(/\r?\n/).flatMap((full, i): [string, string][] => {
    const line = full.trimStart();
    if (line === "" || line.startsWith("#")) return [];
    const equals = line.indexOf("=");
    const key = equals === -1 ? line : line.slice(0, equals);
    if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(key))
      throw new UsageError(`${path}, line ${i + 1}: ${JSON.stringify(key)} is not a valid variable name`);
    // A name alone would be taken from the environment of whoever runs this; we read files only.
    if (equals === -1) throw new UsageError(`${path}, line ${i + 1}: want KEY=VALUE`);
    return [[key, line.slice(equals + 1)]];
  });
}

function unquote(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
}
