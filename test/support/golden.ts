/* Text that a test makes, compared with a file beside the tests. `UPDATE_GOLDEN=1 npm test` writes the files anew: read the diff. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const folder = join(import.meta.dirname, "..", "golden");

/** `name` is a path under test/golden. */
export function assertGolden(name: string, text: string): void {
  const path = join(folder, name);
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  assert.equal(text, readFileSync(path, "utf8"));
}
