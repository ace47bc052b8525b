/* Who was heard of lately. Heartbeats live here, in memory, and are never stored. A node that was not heard of since the control plane
 * started counts from that start, and time in which the control plane itself was stopped counts for nobody, so that agents have time to
 * come back. */

import type { AwakeTime } from "#core/awake-time.ts";

export interface Leases {
  readonly timeoutMs: number;
  /** The node's agent was heard of in its session. */
  renew(node: string): void;
  /** The node has joined: its session should come soon. */
  expect(node: string): void;
  /** For a Node object that is gone. */
  forget(node: string): void;
  /** How long the lease still holds; 0 or less where it has lapsed. */
  remainingMs(node: string): number;
  /** Whether the node had a session since the control plane started and since it joined. */
  heard(node: string): boolean;
}

interface Lease {
  readonly sinceMs: number;
  readonly heard: boolean;
}

export function createLeases(time: AwakeTime, timeoutMs: number): Leases {
  const startMs = time.nowMs();
  const leases = new Map<string, Lease>();
  return {
    timeoutMs,
    renew: (node) => void leases.set(node, { sinceMs: time.nowMs(), heard: true }),
    expect: (node) => void leases.set(node, { sinceMs: time.nowMs(), heard: false }),
    forget: (node) => void leases.delete(node),
    remainingMs: (node) => (leases.get(node)?.sinceMs ?? startMs) + timeoutMs - time.nowMs(),
    heard: (node) => leases.get(node)?.heard ?? false,
  };
}
