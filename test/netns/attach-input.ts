/* Writes a word to a container's input and stays, for tests that kill it: its arguments are the container's folder and first process. */

import { openInput } from "#kernel/container-input.ts";

const [stateDir = "", pid = "", startTicks = ""] = process.argv.slice(2);
openInput(stateDir, { pid: Number(pid), startTicks })?.write("hello\n");
process.stdout.write("ready\n");
setInterval(() => {}, 1_000);
