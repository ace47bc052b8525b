/* Who was heard of lately. Heartbeats live here, in memory and on the monotonic clock, and are never stored. A node that was not
 * heard of since the control plane started counts from that start, so that agents have time to come back. */

import type { Clock } from "#core/clock.ts";

export interface Leases {
  readonly timeoutMs: number;
  renew(node: string): void;
  /** For a Node object that is gone. */
  forget(node: string): void;
  /** How long the lease still holds; 0 or less where it has lapsed. */
  remainingMs(node: string): number;
  /** Whether the node was heard of since the control plane started. */
  heard(node: string): boolean;
}

export function createLeases(clock: Clock, timeoutMs: number): Leases {
  const startMs = clock.monotonicMs();
  const heardMs = new Map<string, number>();
  return {
    timeoutMs,
    renew: (node) => void heardMs.set(node, clock.monotonicMs()),
    forget: (node) => void heardMs.delete(node),
    remainingMs: (node) => (heardMs.get(node) ?? startMs) + timeoutMs - clock.monotonicMs(),
    heard: (node) => heardMs.has(node),
  };
}
