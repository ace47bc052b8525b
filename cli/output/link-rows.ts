/* What `get links` prints of the tunnels: as each node sees its own half. Pure. */

import type { LinkMetrics, LinkTraffic } from "#proto/podwire/v1/metrics.ts";

export interface LinkTable {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function linksTable(links: readonly LinkMetrics[], { wide }: { readonly wide: boolean }): LinkTable {
  const sorted = [...links].sort((a, b) => order(a).localeCompare(order(b), "en", { numeric: true }));
  return {
    titles: [
      ...["NODE", "PEER", "STATE", "RTT", "SENT", "RECEIVED", "DROPPED"],
      ...(wide ? ["QUEUED", "PACKETS/FRAME", "FRAMES/MESSAGE", "DROPS", "REASON"] : []),
    ],
    rows: sorted.map((link) => [
      ...[link.node, link.peer, link.state, link.roundTripMs === undefined ? "<none>" : `${link.roundTripMs.toFixed(2)}ms`],
      ...[sizeText(link.sent?.bytes), sizeText(link.received?.bytes), String(droppedOf(link))],
      ...(wide ? wideCells(link) : []),
    ]),
  };
}

function order({ node, peer }: LinkMetrics): string {
  return `${node} ${peer}`;
}

function wideCells({ queuedBytes, sent, sendDrops, receiveDrops, reason }: LinkMetrics): string[] {
  return [
    sizeText(queuedBytes),
    ratioText(sent, "packets", "frames"),
    ratioText(sent, "frames", "messages"),
    [...dropTexts("send", sendDrops), ...dropTexts("receive", receiveDrops)].join(",") || "<none>",
    reason || "<none>",
  ];
}

function droppedOf({ sendDrops, receiveDrops }: LinkMetrics): number {
  return [...Object.values(sendDrops), ...Object.values(receiveDrops)].reduce((sum, count) => sum + count, 0);
}

function dropTexts(side: string, drops: Readonly<Record<string, number>>): string[] {
  return Object.entries(drops).map(([reason, count]) => `${side}:${reason}=${count}`);
}

/** How many of the small make one of the large. */
function ratioText(traffic: LinkTraffic | undefined, small: keyof LinkTraffic, large: keyof LinkTraffic): string {
  if (traffic === undefined || traffic[large] === 0) return "<none>";
  return (traffic[small] / traffic[large]).toFixed(1);
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

function sizeText(bytes = 0): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 2 ** (10 * power);
  return `${power === 0 ? value : value.toFixed(value < 10 ? 1 : 0)}${units[power]}`;
}
