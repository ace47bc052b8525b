/* Applies what comes by standard input, a JSON list of lines for each transaction, as an agent does, and prints how many milliseconds each took. In the
 * network namespace that it was started in. */

import { createInterface } from "node:readline";
import { openNftLibrary } from "#kernel/nft-library.ts";
import { nftProgram } from "#kernel/nft-program.ts";

const nft = openNftLibrary() ?? nftProgram;
const { signal } = new AbortController();
for await (const text of createInterface({ input: process.stdin })) {
  const lines = JSON.parse(text) as string[];
  const startedMs = performance.now();
  await nft.apply(lines, signal);
  process.stdout.write(`${performance.now() - startedMs}\n`);
}
