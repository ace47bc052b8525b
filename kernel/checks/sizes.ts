import { join } from "node:path";
import { asRoot, type Check, type Problem } from "./check.ts";
import { type Costs, costOf, costs, type Resource } from "./costs.ts";
import type { MachineFacts } from "./facts.ts";

const mebibyte = 1024 * 1024;

export const memory: Check = {
  name: "memory",
  why: "Each node is a process of its own.",
  found: (facts) => ofNeeded(facts, "memoryMiB", memoryMiB(facts), " MiB free"),
  problems: tooLittle({
    resource: "memoryMiB",
    have: memoryMiB,
    by: (facts) => facts.memory.by,
    unit: " MiB free",
    cause: "Other programs use the memory, or a container may have less than that.",
    cure: (facts, _, level) => lessMemory(facts, level),
    example: (left) => ({ memory: { left: left * mebibyte, by: "the machine" } }),
  }),
};

export const openFiles: Check = {
  name: "open files",
  why: "Each agent holds two connections for each other node, and more for pods and streams.",
  found: (facts) => ofNeeded(facts, "processFiles", facts.processFiles, " for a process"),
  problems: [
    ...tooLittle({
      resource: "processFiles",
      have: ({ processFiles }) => processFiles,
      by: () => "ulimit -Hn",
      unit: " for a process",
      cause:
        "The shell, its login or a container limits the files that one process may have open. (The cure lasts for this shell; LimitNOFILE= of a unit and --ulimit nofile= of a container last.)",
      cure: (facts, wanted) => asRoot(facts, `prlimit --pid $$ --nofile=${roundUp(wanted)}:${roundUp(wanted)}`),
      example: (left) => ({ processFiles: left }),
    }),
    ...tooLittle({
      resource: "machineFiles",
      have: ({ machineFiles }) => machineFiles.left,
      by: ({ machineFiles }) => machineFiles.by,
      unit: " for the machine",
      cause: "The machine has nearly as many files open as the kernel allows.",
      cure: (facts) => asRoot(facts, "sysctl -w fs.file-max=1048576"),
      example: (left) => ({ machineFiles: { left, by: "fs.file-max" } }),
    }),
  ],
};

export const processes: Check = {
  name: "processes",
  why: "Each node has eleven threads, each container three processes.",
  found: (facts) => ofNeeded(facts, "processes", facts.processes.left, " more"),
  problems: tooLittle({
    resource: "processes",
    have: (facts) => facts.processes.left,
    by: (facts) => facts.processes.by,
    unit: " more",
    cause:
      "`ulimit -u`, a cgroup's pids.max or the kernel limits processes and threads. (TasksMax= and LimitNPROC= of a unit and --pids-limit of a container last.)",
    cure: moreProcesses,
    example: (left) => ({ processes: { left, by: "the cgroup /sys/fs/cgroup/pids/box" } }),
  }),
};

/** The least that Linux gives by default; Podwire itself watches no files. */
const inotifyDefaults = { "fs.inotify.max_user_instances": 128, "fs.inotify.max_user_watches": 8_192 } as const;

export const inotify: Check = {
  name: "inotify",
  why: "Programs in pods that watch files share what the machine has; Podwire's own use none.",
  found: ({ sysctls }) =>
    Object.keys(inotifyDefaults)
      .map((name) => `${name}=${sysctls[name] ?? "unknown"}`)
      .join(", "),
  problems: Object.entries(inotifyDefaults).map(([name, least]) => ({
    verdict: "warning",
    cause: 'Somebody lowered it: programs in pods will fail with "too many open files" or "no space left on device".',
    holds: ({ sysctls }) => (sysctls[name] ?? least) < least,
    found: ({ sysctls }) => `${name}=${sysctls[name]}`,
    cure: (facts) => asRoot(facts, `sysctl -w ${name}=${least * 4}`),
    example: { sysctls: { [name]: least / 16 } },
  })),
};

interface TooLittleOptions {
  readonly resource: Resource;
  have(facts: MachineFacts): number;
  /** What sets the limit. */
  by(facts: MachineFacts): string;
  readonly unit: string;
  readonly cause: string;
  cure(facts: MachineFacts, wanted: number, level: keyof Costs): string;
  /** A machine with that much left. */
  example(left: number): Partial<MachineFacts>;
}

/** Less than needed, or less than is good. */
function tooLittle({ resource, have, by, unit, cause, cure, example }: TooLittleOptions): Problem[] {
  return (["needed", "ample"] as const).map((level) => {
    const wanted = ({ nodeCount }: MachineFacts) => costOf(costs[resource][level], nodeCount);
    return {
      verdict: level === "needed" ? "missing" : "warning",
      cause: level === "needed" ? cause : `${cause} A cluster comes up, with little room for pods.`,
      holds: (facts) => have(facts) < wanted(facts),
      found: (facts) =>
        `${Math.floor(have(facts))}${unit} by ${by(facts)}; ${nodesOf(facts)} ${level === "needed" ? "need" : "do well with"} ${wanted(facts)}`,
      cure: (facts) => cure(facts, wanted(facts), level),
      example: example(costOf(costs[resource][level], 3) - 1),
    };
  });
}

function ofNeeded(facts: MachineFacts, resource: Resource, have: number, unit: string): string {
  const left = have === Number.POSITIVE_INFINITY ? "no limit" : `${Math.floor(have)}${unit}`;
  return `${left}; ${nodesOf(facts)} need ${costOf(costs[resource].needed, facts.nodeCount)}`;
}

/** Linux's own largest number of a process. */
const processesMax = 4_194_304;

/** How many there are already under the limit isn't known: each gets more than anybody has. */
function moreProcesses(facts: MachineFacts): string {
  const { by } = facts.processes;
  if (by === "ulimit -u") return asRoot(facts, "prlimit --pid $$ --nproc=65536:65536");
  if (by.startsWith("kernel.")) return asRoot(facts, `sysctl -w ${by}=${processesMax}`);
  return `echo max | ${asRoot(facts, `tee ${join(by.replace(/^the cgroup /, ""), "pids.max")}`)}`;
}

function lessMemory(facts: MachineFacts, level: keyof Costs): string {
  const fits = (nodes: number) => costOf(costs.memoryMiB[level], nodes) <= memoryMiB(facts);
  let nodes = facts.nodeCount - 1;
  while (nodes > 0 && !fits(nodes)) nodes--;
  return nodes === 0 ? "end other programs, and other clusters: podwire down --all" : `podwire up --nodes ${nodes}`;
}

function memoryMiB({ memory: { left } }: MachineFacts): number {
  return left / mebibyte;
}

function nodesOf({ nodeCount }: MachineFacts): string {
  return nodeCount === 1 ? "a cluster of 1 node" : `${nodeCount} nodes`;
}

/** To a power of two, at least 1,024. */
function roundUp(count: number): number {
  return Math.max(1_024, 2 ** Math.ceil(Math.log2(count)));
}
