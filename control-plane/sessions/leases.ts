/* Who was heard of lately. Heartbeats live here, in memory and on the monotonic clock, and are never stored. A node that was not
 * heard of since the control plane started counts from that start, so that agents have time to come back. */

import type { Clock } from "#core/clock.ts";

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

export function createLeases(clock: Clock, timeoutMs: number): Leases {
  const startMs = clock.monotonicMs();
  const leases = new Map<string, Lease>();
  return {
    timeoutMs,
    renew: (node) => void leases.set(node, { sinceMs: clock.monotonicMs(), heard: true }),
    expect: (node) => void leases.set(node, { sinceMs: clock.monotonicMs(), heard: false }),
    forget: (node) => void leases.delete(node),
    remainingMs: (node) => (leases.get(node)?.sinceMs ?? startMs) + timeoutMs - clock.monotonicMs(),
    heard: (node) => leases.get(node)?.heard ?? false,
  };
}
