/* Takes a cluster of this machine down: ending its sandbox's first process ends everything in it. */

import { rmSync } from "node:fs";
import { endSandbox } from "#kernel/sandbox.ts";
import type { Environment } from "#process/cluster-paths.ts";
import { clusterFolder, livingSandbox, removeFolder, sweepDoomed } from "./cluster-folder.ts";

const downMs = 20_000;

/** False where no cluster of that name was up. Resolves when every process of it has ended and its folder is gone. */
export async function down(name: string, env: Environment): Promise<boolean> {
  const folder = clusterFolder(name, env);
  const sandbox = livingSandbox(name, env);
  // Tells a cluster that was taken down from one that died.
  rmSync(folder.config, { force: true });
  if (sandbox !== undefined) await endSandbox(sandbox, AbortSignal.timeout(downMs));
  removeFolder(folder.dir);
  sweepDoomed(env);
  return sandbox !== undefined;
}
