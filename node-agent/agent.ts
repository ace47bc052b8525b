/* The agent, wired together. The session says what should be; the keeper, the overlay and the pods each get all that concerns them,
 * every time; what they make of it goes back as reports. */

import { randomUUID } from "node:crypto";
import { aborted } from "#core/aborted.ts";
import { formatCidr, parseCidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import { formatIpv4 } from "#core/ipv4.ts";
import type { Rng } from "#core/rng.ts";
import type { Containers } from "#kernel/containers.ts";
import { type HostInfo, readHostInfo } from "#kernel/host-info.ts";
import type { Network } from "#kernel/network.ts";
import type { Tun } from "#kernel/tun.ts";
import type { Logger } from "#process/log.ts";
import { podwireVersion } from "#process/version.ts";
import type { Hello, Welcome } from "#proto/podwire/v1/agent.ts";
import { openIdentity } from "./identity.ts";
import type { AgentOptions } from "./options.ts";
import { type Overlay, startOverlay } from "./overlay/overlay.ts";
import { createAddressPool } from "./pods/address-pool.ts";
import { createPodManager } from "./pods/pod-manager.ts";
import { createPodRecords, linkOf } from "./pods/records.ts";
import type { Termination } from "./pods/termination.ts";
import { createNetworkKeeper } from "./reconcile/network-keeper.ts";
import { createEventOutbox } from "./session/event-outbox.ts";
import { createViewBuilder, type NodeView } from "./session/node-view.ts";
import { runSession, type SendReport } from "./session/session.ts";
import { keepLogs } from "./streams/log-keeper.ts";
import { createLogReaders } from "./streams/log-readers.ts";
import { createStreamServer } from "./streams/stream-server.ts";

export interface AgentEnvironment {
  readonly options: AgentOptions;
  readonly tun: Tun;
  readonly network: Network;
  readonly containers: Containers;
  readonly joinToken: () => string | undefined;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Of the whole host: its pods end, and then the agent. */
  readonly shutdown: Pick<Termination, "asked" | "due">;
  readonly signal: AbortSignal;
}

/** Runs until the signal aborts, and pods run on after that; or until the host's shutdown has ended them. */
export async function runAgent(environment: AgentEnvironment): Promise<void> {
  const { options, tun, network, containers, joinToken, clock, rng, log, shutdown } = environment;
  const over = new AbortController();
  const podsEnded = new AbortController();
  const signal = AbortSignal.any([environment.signal, over.signal]);
  const host = readHostInfo();
  const { nodeName, nodeAddress, stateDir, hiddenFolder, overlayPort } = options;
  const identity = openIdentity(stateDir);
  const records = createPodRecords(stateDir);
  const adopted = records.load();
  const links = adopted.flatMap(({ uid, address, hostPorts }) =>
    address === undefined ? [] : [linkOf(nodeName, { uid, address, hostPorts })],
  );
  const keeper = createNetworkKeeper({ network, clock, rng, log, signal, adopted: links });
  const addresses = createAddressPool(records, clock);
  await using overlay: Overlay = await startOverlay({
    listen: { host: formatIpv4(nodeAddress), port: overlayPort },
    tun,
    clock,
    rng,
    log: log.child({ part: "overlay" }),
    signal,
  });

  let send: SendReport = () => {};
  const events = createEventOutbox();
  const pods = createPodManager({
    nodeName,
    nodeAddress,
    bootId: host.bootId,
    hiddenFolder,
    keeper,
    containers,
    records,
    addresses,
    clock,
    log,
    signal,
    adopted,
    onReport: (report) => send(report),
    onEvent: events.offer,
  });
  const readers = createLogReaders();
  using streams = createStreamServer({ server: options.server, identity, pods, containers, readers, clock, log, signal });

  let ranges: Welcome | undefined;
  let builder = createViewBuilder();
  const follow = async (view: NodeView) => {
    if (ranges === undefined) return;
    const { podCidrs, peers } = view;
    identity.saveBlock({ ...identity.loadBlock(), podCidr: podCidrs[0] === undefined ? "" : formatCidr(podCidrs[0]) });
    overlay.set({ self: { name: nodeName, podCidrs, nodeAddress }, peers: [...peers.values()] });
    addresses.setPodCidrs(podCidrs);
    const changed = keeper.setView({
      nodeAddress,
      podRange: parseCidr(ranges.podCIDR),
      serviceRange: parseCidr(ranges.serviceCIDR),
      podCidrs,
      peerAddresses: [...peers.values()].map((peer) => peer.nodeAddress),
    });
    pods.set(view.pods, view);
    await changed;
  };

  const bootId = `${host.bootId}/${randomUUID()}`;
  const hello = (): Hello =>
    helloOf({ options, host, bootId, port: overlay.port, held: identity.loadBlock(), heldUids: pods.heldUids });
  const session = runSession({
    server: options.server,
    nodeName,
    labels: options.labels,
    joinToken,
    identity,
    hello,
    clock,
    rng,
    log,
    signal,
    shutdown: { begun: shutdown.asked, done: podsEnded.signal },
    on: {
      welcome(welcome, sendReport, sendEvent) {
        ranges = welcome;
        builder = createViewBuilder();
        send = sendReport;
        for (const report of pods.reports()) send(report);
        events.open(sendEvent);
      },
      changes(changes) {
        const view = builder.apply(changes);
        return view === undefined ? Promise.resolve() : follow(view);
      },
      openStream: (request) => streams.open(request),
      closeStream: (streamId) => streams.close(streamId),
    },
  });
  log.info({ address: formatIpv4(nodeAddress), port: overlay.port, pods: adopted.length }, "node agent ready");
  const podFolders = () => pods.heldUids.map((uid) => records.folder(uid));
  const shutDown = async () => {
    await aborted(AbortSignal.any([shutdown.asked, signal]));
    if (signal.aborted) return;
    log.info("the host shuts down: ending its pods");
    await pods.shutDown(shutdown.due);
    podsEnded.abort();
    await session;
    over.abort();
  };
  const logs = keepLogs({ podFolders, readers, clock, log, signal });
  await Promise.all([session, keeper.run().catch(() => {}), logs, shutDown()]);
}

interface HelloOptions {
  readonly options: AgentOptions;
  readonly host: HostInfo;
  readonly bootId: string;
  readonly port: number;
  readonly held: { readonly epoch: number; readonly podCidr: string };
  readonly heldUids: readonly string[];
}

function helloOf({ options, host, bootId, port, held, heldUids }: HelloOptions): Hello {
  const address = formatIpv4(options.nodeAddress);
  return {
    bootId,
    internalIP: address,
    tunnelEndpoint: `${address}:${port}`,
    heldEpoch: held.epoch,
    heldPodCIDR: held.podCidr,
    heldPodUids: [...heldUids],
    nodeInfo: {
      machineID: host.machineId,
      bootID: host.bootId,
      kernelVersion: host.kernelVersion,
      osImage: host.osImage,
      containerRuntimeVersion: `podwire://${podwireVersion()}`,
      kubeletVersion: `v${podwireVersion()}`,
      operatingSystem: "linux",
      architecture: host.architecture,
    },
    capacity: { cpu: String(host.cpuCount), memory: `${Math.floor(host.memoryBytes / 1024)}Ki`, pods: "250" },
  };
}
