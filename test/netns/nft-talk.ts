/* One way to nftables, talked to in a network namespace that was this process's from its start: prints what it answers. */

import { messageOf } from "#core/errors.ts";
import { openNftLibrary } from "#kernel/nft-library.ts";
import { nftProgram } from "#kernel/nft-program.ts";
import { RunError } from "#kernel/run.ts";

const nft = process.argv[2] === "library" ? openNftLibrary() : nftProgram;
if (nft === undefined) throw new Error("there is no such library");
const { signal } = new AbortController();
const failure = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error) => ({ isRunError: error instanceof RunError, says: messageOf(error).includes("No such file or directory") }),
  );

await nft.apply(
  ["add table ip t", "add set ip t pods { type ipv4_addr; }", "add element ip t pods { 10.0.0.1, 10.0.0.2 }"],
  signal,
);
const answers = {
  whole: JSON.parse(await nft.list(["table", "ip", "t"], signal)),
  terse: JSON.parse(await nft.list(["sets", "ip"], signal, { terse: true })),
  missingTable: await failure(nft.list(["table", "ip", "none"], signal)),
  failed: await failure(nft.apply(["add chain ip t half", "delete table ip none"], signal)),
  aborted: await failure(nft.apply(["delete table ip t"], AbortSignal.abort(new Error("late")))),
  many: await Promise.all(Array.from({ length: 8 }, (_, i) => nft.apply([`add chain ip t c${i}`], signal))).then(() => "done"),
  chains: JSON.parse(await nft.list(["chains", "ip"], signal)),
};
process.stdout.write(JSON.stringify(answers));
