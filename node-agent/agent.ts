/* The agent, wired together. The session says what should be; the keeper, the overlay and the pods each get all that concerns them,
 * every time; what they make of it goes back as reports. */

import { randomUUID } from "node:crypto";
import { aborted } from "#core/aborted.ts";
import { formatCidr, parseCidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import { formatIpv4 } from "#core/ipv4.ts";
import type { Rng } from "#core/rng.ts";
import { dnsAddress } from "#core/services/service-range.ts";
import type { Containers } from "#kernel/containers.ts";
import { readHostInfo } from "#kernel/host-info.ts";
import type { Network } from "#kernel/network.ts";
import type { WatchedRuleset } from "#kernel/ruleset.ts";
import type { ServiceKernel } from "#kernel/service-table.ts";
import type { Tun } from "#kernel/tun.ts";
import type { UsageReader } from "#kernel/usage.ts";
import type { Logger } from "#process/log.ts";
import { podwireVersion } from "#process/version.ts";
import type { Hello } from "#proto/podwire/v1/agent.ts";
import { createClusterDns } from "./dns/cluster-dns.ts";
import { openIdentity } from "./identity.ts";
import { keepMetrics } from "./metrics/keep-metrics.ts";
import type { AgentOptions } from "./options.ts";
import { type Overlay, startOverlay } from "./overlay/overlay.ts";
import { createAddressPool } from "./pods/address-pool.ts";
import { createPodManager } from "./pods/pod-manager.ts";
import { createPodRecords, linkOf } from "./pods/records.ts";
import { createNetworkKeeper } from "./reconcile/network-keeper.ts";
import { keepRuleset } from "./reconcile/ruleset-watch.ts";
import type { NetworkView } from "./reconcile/wanted-network.ts";
import { createHealthChecks } from "./services/health-checks.ts";
import { createServiceKeeper } from "./services/service-keeper.ts";
import { createEventOutbox } from "./session/event-outbox.ts";
import { createViewBuilder, type NodeView } from "./session/node-view.ts";
import { runSession, type SessionSenders } from "./session/session.ts";
import { keepLogs } from "./streams/log-keeper.ts";
import { createLogReaders } from "./streams/log-readers.ts";
import { createStreamServer } from "./streams/stream-server.ts";

const patienceMs = 1_000;

export interface AgentEnvironment {
  readonly options: AgentOptions;
  readonly tun: Tun;
  readonly ruleset: WatchedRuleset;
  readonly network: Network;
  readonly services: ServiceKernel;
  readonly containers: Containers;
  readonly usage: UsageReader;
  readonly joinToken: () => string | undefined;
  /** The host's own resolv.conf. */
  readonly nodeResolvConf: () => string;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Runs until the signal aborts; pods run on after that, or rest where the options say so. */
export async function runAgent(environment: AgentEnvironment): Promise<void> {
  const { options, tun, ruleset, network, services, containers, usage, joinToken, nodeResolvConf } = environment;
  const { clock, rng, log } = environment;
  const over = new AbortController();
  const { signal } = over;
  const { nodeName, nodeAddress, stateDir, hiddenFolder, overlayPort } = options;
  const identity = openIdentity(stateDir);
  const records = createPodRecords(stateDir);
  const adopted = records.load();
  const links = adopted.flatMap(({ uid, address, hostPorts }) =>
    address === undefined ? [] : [linkOf(nodeName, { uid, address, hostPorts })],
  );
  const keeper = createNetworkKeeper({ network, clock, rng, log, signal, adopted: links });
  using healthChecks = createHealthChecks({ address: formatIpv4(nodeAddress), log });
  const serviceKeeper = createServiceKeeper({ kernel: services, healthChecks, clock, rng, log, signal });
  const addresses = createAddressPool(records, clock);
  await using overlay: Overlay = await startOverlay({
    listen: { host: formatIpv4(nodeAddress), port: overlayPort },
    tun,
    clock,
    rng,
    log: log.child({ part: "overlay" }),
    signal,
  });

  const dns = createClusterDns({ ...options.dns, stateDir, clock, rng, log: log.child({ part: "dns" }), signal });

  let send: SessionSenders = { report: () => {}, event: () => false, measurement: () => false };
  let ranges: Pick<NetworkView, "podRange" | "serviceRange" | "balancerRange"> | undefined;
  const events = createEventOutbox();
  const pods = createPodManager({
    nodeName,
    nodeAddress,
    hiddenFolder,
    resolvers: () => ({
      dnsAddress: ranges === undefined ? "" : formatIpv4(dnsAddress(ranges.serviceRange)),
      ofNode: nodeResolvConf(),
    }),
    keeper,
    containers,
    records,
    addresses,
    clock,
    log,
    signal,
    adopted,
    onReport: (report) => send.report(report),
    onEvent: events.offer,
  });
  void aborted(environment.signal).then(async () => {
    const { stopPodsMs } = options;
    // One that can't be ended must not hold up the others' node.
    if (stopPodsMs !== undefined) await Promise.race([pods.rest(stopPodsMs), clock.sleep(stopPodsMs + patienceMs, signal)]);
    over.abort();
  });
  const readers = createLogReaders();
  using streams = createStreamServer({ server: options.server, identity, pods, containers, readers, clock, log, signal });

  let builder = createViewBuilder();
  const follow = async (view: NodeView) => {
    if (ranges === undefined) return;
    const { podCidrs, peers } = view;
    identity.saveBlock({ ...identity.loadBlock(), podCidr: podCidrs[0] === undefined ? "" : formatCidr(podCidrs[0]) });
    overlay.set({ self: { name: nodeName, podCidrs, nodeAddress }, peers: [...peers.values()] });
    addresses.setPodCidrs(podCidrs);
    const peerAddresses = [...peers.values()].map((peer) => peer.nodeAddress);
    const changed = Promise.all([
      keeper.setView({ nodeAddress, ...ranges, podCidrs, peerAddresses }),
      serviceKeeper.set({ ...view, nodeAddress, ...ranges, nodeName, dnsAddress: dnsAddress(ranges.serviceRange) }),
    ]);
    dns.set({ ...ranges, services: view.services, endpointSlices: view.endpointSlices });
    pods.set(view.pods, view);
    await changed;
  };

  const bootId = `${readHostInfo().bootId}/${randomUUID()}`;
  const hello = (): Hello =>
    helloOf({ options, bootId, port: overlay.port, held: identity.loadBlock(), heldUids: pods.heldUids });
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
    on: {
      welcome(welcome, senders) {
        ranges = {
          podRange: parseCidr(welcome.podCIDR),
          serviceRange: parseCidr(welcome.serviceCIDR),
          balancerRange: parseCidr(welcome.loadBalancerCIDR),
        };
        builder = createViewBuilder();
        send = senders;
        for (const report of pods.reports()) send.report(report);
        events.open(send.event);
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
  const onChange = () => {
    keeper.restore();
    serviceKeeper.restore();
  };
  const keepers = [keeper.run(), serviceKeeper.run(), keepRuleset({ ruleset, clock, log, signal, onChange })];
  await Promise.all([
    session,
    ...keepers.map((running) => running.catch(() => {})),
    dns.run(),
    keepLogs({ podFolders, readers, clock, log, signal }),
    keepMetrics({
      ...{ nodeName, containers, usage, clock, log, signal },
      pods: () => pods.held,
      send: (measurement) => send.measurement(measurement),
    }),
  ]);
}

interface HelloOptions {
  readonly options: AgentOptions;
  readonly bootId: string;
  readonly port: number;
  readonly held: { readonly epoch: number; readonly podCidr: string };
  readonly heldUids: readonly string[];
}

function helloOf({ options, bootId, port, held, heldUids }: HelloOptions): Hello {
  const host = readHostInfo();
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
