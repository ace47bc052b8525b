/* Small files that outlive the agent: JSON, for their owner's eyes only, replaced as a whole. */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { AppError, messageOf } from "#core/errors.ts";

/** Undefined only where there is no file: whoever takes another error for that forgets a pod which runs. */
export function readJson<T>(path: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new AppError("internal", `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
}

export function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
