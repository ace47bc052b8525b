/* Waits for a container's end where nothing can be watched. Its argument is the container's state folder. */

import { watch } from "node:fs";
import { linuxContainers } from "#kernel/containers.ts";

const [stateDir = ""] = process.argv.slice(2);
const exited = linuxContainers.exited(stateDir, AbortSignal.timeout(10_000));
process.stdout.write(`waiting ${canWatch() ? "with" : "without"} watches\n`);
await exited;
process.stdout.write(`${linuxContainers.read(stateDir).state}\n`);

function canWatch(): boolean {
  try {
    watch(stateDir).close();
    return true;
  } catch {
    return false;
  }
}
