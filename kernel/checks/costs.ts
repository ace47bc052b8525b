/* What a cluster takes of the machine's countable things, and how much more is asked for than was measured.
 *
 * `needed` is what it can't come up without; with less than `ample` it comes up, and soon lacks room. Measured on Linux 6.18, x64, with
 * Node 24, on clusters of 1, 3 and 6 nodes that came from `podwire up --detach`; each row says how. A container adds 3 processes and 13 open
 * files of the machine's (ten pods on one node made 34 processes and threads 64, and 78 files 209), and hardly any to the agent (25 → 26). */

export interface Cost {
  /** Whatever the number of nodes: the command itself, the supervisor, the control plane. */
  readonly cluster: number;
  readonly perNode: number;
  /** For each pair of nodes: agents dial each other. */
  readonly perPair?: number;
  /** How it was measured. */
  readonly source: string;
}

export interface Costs {
  readonly needed: Cost;
  readonly ample: Cost;
}

export const resources = ["memoryMiB", "processFiles", "machineFiles", "processes"] as const;
export type Resource = (typeof resources)[number];

export const costs: Readonly<Record<Resource, Costs>> = {
  memoryMiB: {
    needed: {
      cluster: 150,
      perNode: 39,
      source:
        "Pss in /proc/PID/smaps_rollup after 4 s: 23 supervisor, 39 control plane, 39 an agent; the command itself as large as both",
    },
    ample: {
      cluster: 217,
      perNode: 82,
      source:
        "VmRSS in /proc/PID/status after 4 s, what the processes share counted for each: 57 supervisor, 80 control plane, 82 an agent, 80 the command",
    },
  },
  processFiles: {
    needed: { cluster: 36, perNode: 4, source: "the smallest `prlimit --nofile` with which `up` came up: 40, 48 and 59" },
    ample: {
      cluster: 512,
      perNode: 8,
      source: "not measured: the same twice, and half of Linux's usual soft limit of 1,024 for streams and pods",
    },
  },
  machineFiles: {
    needed: { cluster: 53, perNode: 30, perPair: 4, source: "the entries of /proc/PID/fd of all its processes: 81, 155 and 288" },
    ample: { cluster: 53, perNode: 160, perPair: 4, source: "the same, and ten pods on each node" },
  },
  processes: {
    needed: { cluster: 32, perNode: 11, source: "the smallest pids.max with which `up` came up, threads counted: 43, 65 and 98" },
    ample: { cluster: 32, perNode: 41, source: "the same, and ten pods on each node" },
  },
};

/** A quarter more than measured: other machines have other pages, threads and programs. */
const margin = 1.25;

export function costOf({ cluster, perNode, perPair = 0 }: Cost, nodeCount: number): number {
  const pairs = (nodeCount * (nodeCount - 1)) / 2;
  return Math.ceil((cluster + perNode * nodeCount + perPair * pairs) * margin);
}
