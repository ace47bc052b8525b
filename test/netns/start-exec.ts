/* Runs a command in a container for tests that kill whoever asked for it: its arguments are the container's folder and the command. */

import { linuxContainers } from "#kernel/containers.ts";

const [stateDir = "", ...argv] = process.argv.slice(2);
const exec = linuxContainers.exec(stateDir, { argv, env: { PATH: process.env.PATH ?? "" } });
process.stdout.write("ready\n");
await exec.exitCode;
