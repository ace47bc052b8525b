import { readFile, stat, writeFile } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { AppError, invalid } from "#core/errors.ts";
import type { Ids } from "./ids.ts";

/**
 * The secret in a file, made there at the first start. "invalid" where others may read the file, or where what it holds could be
 * guessed.
 */
export async function readTokenFile(path: string, ids: Ids): Promise<string> {
  const file = isAbsolute(path) ? path : resolve(path);
  const made = ids.secret(32);
  try {
    await writeFile(file, `${made}\n`, { mode: 0o600, flag: "wx" });
    return made;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) {
      throw new AppError("failed-precondition", `cannot make the token file ${file}: ${String(error)}`, { cause: error });
    }
  }
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) throw invalid(`the token file ${file} can be read by others: chmod 600 it`);
  const token = (await readFile(file, "utf8")).trim();
  if (token.length < 22) throw invalid(`the token in ${file} is too short: it needs at least 22 characters, or delete the file`);
  return token;
}
