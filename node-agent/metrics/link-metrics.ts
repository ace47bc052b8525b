/* What is told of the tunnels. Pure. */

import type { LinkMetrics } from "#proto/podwire/v1/metrics.ts";
import type { OverlayStatus, PeerStatus } from "../overlay/status.ts";

export function linkMetricsOf(node: string, { peers }: OverlayStatus): LinkMetrics[] {
  return peers.map(({ name, tunnel, roundTripMs, queuedBytes, sent, received, sendDrops, receiveDrops }) => ({
    ...{ node, peer: name, state: tunnel.state, reason: reasonOf(tunnel), roundTripMs, queuedBytes },
    ...{ sent: { ...sent }, received: { ...received } },
    ...{ sendDrops: counted(sendDrops), receiveDrops: counted(receiveDrops) },
  }));
}

function reasonOf(tunnel: PeerStatus["tunnel"]): string {
  return ("reason" in tunnel ? tunnel.reason : undefined) ?? "";
}

function counted(drops: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(drops).filter(([, count]) => count > 0));
}
