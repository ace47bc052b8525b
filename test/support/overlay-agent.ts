/* The overlay as a process of its own, for tests that need one to be killed or stopped. Speaks JSON over its IPC channel. */

import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { createRng } from "#core/rng.ts";
import { openTun } from "#kernel/tun.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { type OverlayStatus, type OverlayView, startOverlay } from "../../node-agent/overlay/overlay.ts";

export interface WireNode {
  readonly name: string;
  readonly podCidrs: readonly string[];
  readonly nodeAddress: string;
}
export interface WirePeer extends WireNode {
  readonly endpoint: string;
  /** Hexadecimal. */
  readonly key: string;
}
export interface WireView {
  readonly self: WireNode;
  readonly peers: readonly WirePeer[];
}
export type ToAgent =
  | { readonly ask: "set"; readonly view: WireView }
  | { readonly ask: "offload"; readonly on: boolean }
  | { readonly ask: "status" };
export type FromAgent =
  | { readonly tell: "ready" }
  | { readonly tell: "done" }
  | { readonly tell: "status"; readonly status: OverlayStatus };
export interface AgentConfig {
  readonly host: string;
  readonly port: number;
  readonly device: string;
  readonly offload: boolean;
  readonly view: WireView;
}

function viewOf({ self, peers }: WireView): OverlayView {
  const node = (wire: WireNode) => ({
    name: wire.name,
    podCidrs: wire.podCidrs.map(parseCidr),
    nodeAddress: parseIpv4(wire.nodeAddress),
  });
  return {
    self: node(self),
    peers: peers.map((peer) => ({ ...node(peer), endpoint: peer.endpoint, key: Buffer.from(peer.key, "hex") })),
  };
}

function tell(message: FromAgent): void {
  process.send?.(message);
}

if (import.meta.main) {
  const config = JSON.parse(process.argv[2] ?? "{}") as AgentConfig;
  const stop = new AbortController();
  const tun = openTun({ name: config.device, offload: config.offload });
  const overlay = await startOverlay({
    listen: { host: config.host, port: config.port },
    tun,
    clock: systemClock,
    rng: createRng(process.pid),
    log: createLog({ level: process.env.OVERLAY_LOG === "1" ? "debug" : "silent", name: config.view.self.name }),
    signal: stop.signal,
  });
  overlay.set(viewOf(config.view));
  process.on("message", (message: ToAgent) => {
    switch (message.ask) {
      case "set":
        overlay.set(viewOf(message.view));
        return tell({ tell: "done" });
      case "offload":
        overlay.setOffload(message.on);
        return tell({ tell: "done" });
      case "status":
        return tell({ tell: "status", status: overlay.status() });
    }
  });
  // A test that dies takes its agents along.
  process.on("disconnect", async () => {
    await overlay[Symbol.asyncDispose]();
    tun[Symbol.dispose]();
    process.exit(0);
  });
  tell({ tell: "ready" });
}
