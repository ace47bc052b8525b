/* What the checks judge: all that is asked of this machine, gathered in one go. Nothing here lasts, but for modules that the kernel loads
 * when the trial asks for them, as it would for the cluster. */

import { closeSync, constants, existsSync, openSync, readdirSync } from "node:fs";
import { release } from "node:os";
import { readText } from "../host-info.ts";
import { missingPrograms, neededPrograms } from "../missing-programs.ts";
import type { Program } from "../run.ts";
import { machineFileRoom, memoryRoom, processFileLimit, processRoom, type Room } from "./room.ts";
import { type Trial, tryMachine } from "./trial.ts";

export interface MachineFacts {
  readonly uid: number;
  /** How large a cluster is asked for. */
  readonly nodeCount: number;
  /** "6.1.0-28-amd64" */
  readonly kernelRelease: string;
  readonly inContainer: boolean;
  /** The process's capabilities, as bits. */
  readonly capabilities: bigint;
  readonly missingPrograms: readonly Program[];
  /** As /proc/self/ns names them. */
  readonly namespaceKinds: readonly string[];
  /** By name; one that this kernel doesn't have is absent. */
  readonly sysctls: Readonly<Record<string, number>>;
  readonly tunDevice: "there" | "missing" | "forbidden" | "without driver";
  /** In bytes. */
  readonly memory: Room;
  readonly processFiles: number;
  readonly machineFiles: Room;
  readonly processes: Room;
  readonly trial: Trial;
}

export interface FactsOptions {
  readonly uid: number;
  readonly nodeCount: number;
  /** What the programs of a cluster get, PATH among it. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export const sysctlNames = [
  "kernel.apparmor_restrict_unprivileged_userns",
  "kernel.unprivileged_userns_clone",
  ...["user", "mnt", "pid", "net", "ipc", "uts"].map((kind) => `user.max_${kind}_namespaces`),
  "fs.inotify.max_user_instances",
  "fs.inotify.max_user_watches",
] as const;

export async function readFacts({ uid, nodeCount, env, signal }: FactsOptions): Promise<MachineFacts> {
  const missing = missingPrograms(env.PATH ?? "");
  const canTry = !missing.some((program) => neededPrograms(uid).includes(program));
  // The trial's programs run while the rest is read.
  const trial: Promise<Trial> = canTry
    ? tryMachine({ uid, env, signal })
    : Promise.resolve({ state: "not run", because: "programs are missing" });
  const facts = {
    uid,
    nodeCount,
    kernelRelease: release(),
    inContainer: existsSync("/.dockerenv") || existsSync("/run/.containerenv"),
    capabilities: BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/m.exec(readText("/proc/self/status"))?.[1] ?? "0"}`),
    missingPrograms: missing,
    namespaceKinds: readdirSync("/proc/self/ns"),
    sysctls: readSysctls(),
    tunDevice: readTunDevice(),
    memory: memoryRoom(),
    processFiles: processFileLimit(),
    machineFiles: machineFileRoom(),
    processes: processRoom(uid),
  };
  return { ...facts, trial: await trial };
}

function readSysctls(): Record<string, number> {
  return Object.fromEntries(
    sysctlNames.flatMap((name) => {
      const text = readText(`/proc/sys/${name.replaceAll(".", "/")}`).trim();
      return text === "" ? [] : [[name, Number(text)]];
    }),
  );
}

/** Opening it makes no device. */
function readTunDevice(): MachineFacts["tunDevice"] {
  try {
    closeSync(openSync("/dev/net/tun", constants.O_RDWR | constants.O_NONBLOCK));
    return "there";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return "missing";
    return code === "EACCES" || code === "EPERM" ? "forbidden" : "without driver";
  }
}
