import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Podwire's own version, from package.json. */
export function podwireVersion(): string {
  const text = readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
