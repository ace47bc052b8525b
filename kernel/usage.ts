/* What containers and this process use: processor time as a counter, memory as it is. */

import { readCgroupUsage } from "./cgroup-usage.ts";
import { cgroupsOf } from "./container-limits.ts";
import { type DeviceCounters, readDeviceCounters } from "./device-counters.ts";
import { readNamespaceUsage } from "./process-usage.ts";
import type { ProcessId } from "./processes.ts";

export interface Usage {
  /** May go back a little, see process-usage.ts. */
  readonly cpuSeconds: number;
  readonly workingSetBytes: number;
}

export interface RunningContainer {
  readonly stateDir: string;
  readonly init: ProcessId;
}

export interface UsageReader {
  /** By state folder; without those that have ended meanwhile. */
  containers(running: readonly RunningContainer[]): ReadonlyMap<string, Usage>;
  /** This process; without the programs that it starts, whose time is their container's, too. */
  self(): Usage;
  devices(): ReadonlyMap<string, DeviceCounters>;
}

/** Where a container has a cgroup that counts, that is the truth; else its processes are looked at. */
export const linuxUsage: UsageReader = {
  containers(running) {
    const counted = running.map((container) => ({ container, cgroup: readCgroupUsage(cgroupsOf(container.stateDir)) }));
    const uncounted = counted.filter(({ cgroup }) => cgroup.cpuSeconds === undefined || cgroup.workingSetBytes === undefined);
    const processes = readNamespaceUsage(uncounted.map(({ container }) => container.init));
    const usages = new Map<string, Usage>();
    for (const { container, cgroup } of counted) {
      const own = processes.get(container.init.pid);
      const cpuSeconds = cgroup.cpuSeconds ?? own?.cpuSeconds;
      const workingSetBytes = cgroup.workingSetBytes ?? own?.residentBytes;
      if (cpuSeconds !== undefined && workingSetBytes !== undefined) {
        usages.set(container.stateDir, { cpuSeconds, workingSetBytes });
      }
    }
    return usages;
  },
  self() {
    const { user, system } = process.cpuUsage();
    return { cpuSeconds: (user + system) / 1e6, workingSetBytes: process.memoryUsage.rss() };
  },
  devices: readDeviceCounters,
};
