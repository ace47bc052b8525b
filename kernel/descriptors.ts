/* Which of this process's descriptors its children get. */

import { readdirSync } from "node:fs";
import { libc } from "./ffi.ts";

const setDescriptorFlags = 2;
const closeOnExec = 1;

/**
 * Keeps what this process inherited beyond standard input, output and error from every program that it starts. Node does that itself
 * up to the first number that is free past 15; whoever started it may hold others, and an open folder of the machine would lead a pod
 * out of its file system.
 */
export function keepInheritedDescriptors(): void {
  for (const name of readdirSync("/proc/self/fd")) {
    if (Number(name) > 2) libc().fcntl(Number(name), setDescriptorFlags, closeOnExec);
  }
}
