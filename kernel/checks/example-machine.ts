import type { MachineFacts } from "./facts.ts";

/** A machine that lacks nothing, and an ordinary user on it: examples of problems are changes to it. */
export const exampleMachine: MachineFacts = {
  uid: 1000,
  nodeCount: 3,
  kernelRelease: "6.8.0-49-generic",
  inContainer: false,
  capabilities: 0n,
  missingPrograms: [],
  namespaceKinds: ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"],
  sysctls: {},
  tunDevice: "there",
  memory: { left: 8 * 1024 ** 3, by: "the machine" },
  processFiles: 1_048_576,
  machineFiles: { left: Number.POSITIVE_INFINITY, by: "fs.file-max" },
  processes: { left: 30_000, by: "ulimit -u" },
  trial: { state: "ran", failures: new Map() },
};
