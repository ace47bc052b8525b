/* Who was heard of lately. Heartbeats live here, in memory, and are never stored. A node that was not heard of since the control plane
 * started counts from that start, and time in which the control plane itself was stopped counts for nobody, so that agents have time to
 * come back. */

import type { AwakeTime } from "#core/awake-time.ts";

export interface Leases {
  readonly timeoutMs: number;
  /** The node's agent has a new session. */
  begin(node: string): void;
  /** It was heard of in its session. */
  renew(node: string): void;
  /** It says that its host shuts down, which holds until its next session. */
  leave(node: string): void;
  /** The node has joined: its session should come soon. */
  expect(node: string): void;
  /** For a Node object that is gone. */
  forget(node: string): void;
  /** How long the lease still holds; 0 or less where it has lapsed. */
  remainingMs(node: string): number;
  /** Whether the node had a session since the control plane started and since it joined. */
  heard(node: string): boolean;
  isLeaving(node: string): boolean;
}

interface Lease {
  readonly sinceMs: number;
  readonly heard: boolean;
  readonly leaving: boolean;
}

export function createLeases(time: AwakeTime, timeoutMs: number): Leases {
  const startMs = time.nowMs();
  const leases = new Map<string, Lease>();
  const set = (node: string, lease: Omit<Lease, "sinceMs">) => void leases.set(node, { sinceMs: time.nowMs(), ...lease });
  const isLeaving = (node: string) => leases.get(node)?.leaving ?? false;
  return {
    timeoutMs,
    begin: (node) => set(node, { heard: true, leaving: false }),
    renew: (node) => set(node, { heard: true, leaving: isLeaving(node) }),
    leave: (node) => set(node, { heard: true, leaving: true }),
    expect: (node) => set(node, { heard: false, leaving: false }),
    forget: (node) => void leases.delete(node),
    remainingMs: (node) => (leases.get(node)?.sinceMs ?? startMs) + timeoutMs - time.nowMs(),
    heard: (node) => leases.get(node)?.heard ?? false,
    isLeaving,
  };
}
