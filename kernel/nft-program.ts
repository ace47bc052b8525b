import type { Ruleset } from "./ruleset.ts";
import { run } from "./run.ts";

/** nftables by its program, of the network namespace that the main thread is in. */
export const nftProgram: Ruleset = {
  async apply(lines, signal) {
    await run(["nft", "-f", "-"], { input: `${lines.join("\n")}\n`, signal });
  },
  list: (what, signal, { terse = false } = {}) => run(["nft", "-j", ...(terse ? ["-t"] : []), "list", ...what], { signal }),
};
