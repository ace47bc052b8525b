/* What a Node's Ready condition should say, in the words of Kubernetes' kubelet and node lifecycle controller. Pure. */

import type { Node } from "#proto/podwire/v1/resources.ts";
import { exhaustedMessage, hasPodCidr, type PodCidrRange } from "../ipam/allocator.ts";
import { findCondition, type WantedCondition } from "../state/conditions.ts";

export interface ReadyFacts {
  readonly node: Node;
  /** Its lease holds. */
  readonly live: boolean;
  /** Its agent had a session since the control plane started and since it joined. */
  readonly heard: boolean;
  /** Its host shuts down. */
  readonly leaving: boolean;
  readonly range: PodCidrRange;
}

/** The condition to set, or undefined to leave it as it is. */
export function wantedReady({ node, live, heard, leaving, range }: ReadyFacts): WantedCondition | undefined {
  const type = "Ready";
  const current = findCondition(node.status?.conditions ?? [], type);
  // Just after a start, or a join, the agent needs a moment to come.
  if (live && !heard) return undefined;
  if (!live) {
    if (current === undefined || current.reason === "NodeStatusNeverUpdated") {
      return { type, status: "Unknown", reason: "NodeStatusNeverUpdated", message: "Kubelet never posted node status." };
    }
    return { type, status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." };
  }
  if (leaving) return { type, status: "False", reason: "KubeletNotReady", message: "node is shutting down" };
  if (!hasPodCidr(node)) return { type, status: "False", reason: "CIDRNotAvailable", message: exhaustedMessage(range) };
  return { type, status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };
}
