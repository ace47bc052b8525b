/* A program that the user sees and types into, such as an editor: it has our terminal until it ends. */

import { spawn } from "node:child_process";

/** Its exit code, as a shell reports it. Rejects where it can't be started. */
export function runInForeground(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(program, args, { stdio: "inherit", signal });
    child.once("error", reject);
    child.once("exit", (code, ended) => resolve(code ?? (ended === null ? 1 : 128)));
  });
}
