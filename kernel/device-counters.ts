/* What network devices of this process's namespace have carried. By /proc and not by /sys, which shows the namespace of whoever mounted it. */

import { readFileSync } from "node:fs";

export interface DeviceCounters {
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** By name, from the text of /proc/net/dev: `  eth0: 16 counters`, of which the ninth begins what was sent. */
export function parseDeviceCounters(text: string): ReadonlyMap<string, DeviceCounters> {
  const counters = new Map<string, DeviceCounters>();
  for (const line of text.split("\n")) {
    const [, name, values = ""] = /^ *(\S+):(.*)$/.exec(line) ?? [];
    const numbers = values.trim().split(/\s+/).map(Number);
    const [rxBytes] = numbers;
    const txBytes = numbers[8];
    if (name !== undefined && rxBytes !== undefined && txBytes !== undefined) counters.set(name, { rxBytes, txBytes });
  }
  return counters;
}

export function readDeviceCounters(): ReadonlyMap<string, DeviceCounters> {
  return parseDeviceCounters(readFileSync("/proc/self/net/dev", "utf8"));
}
