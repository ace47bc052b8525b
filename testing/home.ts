/* Where this package is: a checkout, or what was built of it. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The folder that has the launcher and the compose file. */
export const home: string =
  [join(here, ".."), join(here, "..", "..")].find((folder) => existsSync(join(folder, "podwire"))) ?? here;

export const launcher: string = join(home, "podwire");
