/* The agent, wired together. The session says what should be; the keeper, the overlay and the pods each get all that concerns them,
 * every time; what they make of it goes back as reports. */

import { randomUUID } from "node:crypto";
import { aborted } from "#core/aborted.ts";
import { formatCidr, parseCidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import { formatIpv4 } from "#core/ipv4.ts";
import type { Rng } from "#core/rng.ts";
import { dnsAddress } from "#core/services/service-range.ts";
import type { Containers } from "#kernel/containers.ts";
import { type HostInfo, readHostInfo } from "#kernel/host-info.ts";
import type { ForeignRoute } from "#kernel/ip.ts";
import type { Network } from "#kernel/network.ts";
import type { WatchedRuleset } from "#kernel/ruleset.ts";
import type { EndpointTraffic, ServiceKernel } from "#kernel/service-table.ts";
import type { Tun } from "#kernel/tun.ts";
import type { UsageReader } from "#kernel/usage.ts";
import type { Logger } from "#process/log.ts";
import { serveMetrics } from "#process/prometheus.ts";
import { podwireVersion } from "#process/version.ts";
import type { Hello } from "#proto/podwire/v1/agent.ts";
import { createClusterDns } from "./dns/cluster-dns.ts";
import { openIdentity } from "./identity.ts";
import { agentFamilies } from "./metrics/families.ts";
import { keepMetrics, metricsIntervalMs } from "./metrics/keep-metrics.ts";
import { linkMetricsOf } from "./metrics/link-metrics.ts";
import type { AgentOptions } from "./options.ts";
import { type Overlay, startOverlay } from "./overlay/overlay.ts";
import { createAddressPool } from "./pods/address-pool.ts";
import { createPodManager } from "./pods/pod-manager.ts";
import { createPodRecords, linkOf } from "./pods/records.ts";
import type { Termination } from "./pods/termination.ts";
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
import { takenRange } from "./taken-range.ts";

export interface AgentEnvironment {
  readonly options: AgentOptions;
  readonly tun: Tun;
  readonly ruleset: WatchedRuleset;
  /** The routes and addresses that this host had before. */
  readonly foreignRoutes: readonly ForeignRoute[];
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
  /** Of the whole host: its pods end, and then the agent. */
  readonly shutdown: Pick<Termination, "asked" | "due">;
  readonly signal: AbortSignal;
}

/**
 * Runs until the signal aborts, and pods run on after that; or until the host's shutdown has ended them. Throws "failed-precondition"
 * where the cluster's ranges are taken on this host.
 */
export async function runAgent(environment: AgentEnvironment): Promise<void> {
  const { options, tun, ruleset, foreignRoutes, network, services, containers, usage, joinToken, nodeResolvConf } = environment;
  const { clock, rng, log, shutdown } = environment;
  const unfit = new AbortController();
  const over = new AbortController();
  const podsEnded = new AbortController();
  const signal = AbortSignal.any([environment.signal, unfit.signal, over.signal]);
  const host = readHostInfo();
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
  let measureEveryMs = metricsIntervalMs;
  let traffic: readonly EndpointTraffic[] = [];
  let knownServices: NodeView["services"] = new Map();
  const events = createEventOutbox();
  const pods = createPodManager({
    nodeName,
    nodeAddress,
    bootId: host.bootId,
    hiddenFolder,
    services: () => knownServices.values(),
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
    knownServices = view.services;
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
      welcome(welcome, senders) {
        const taken = takenRange(welcome, foreignRoutes);
        if (taken !== undefined) return unfit.abort(new AppError("failed-precondition", taken));
        ranges = {
          podRange: parseCidr(welcome.podCIDR),
          serviceRange: parseCidr(welcome.serviceCIDR),
          balancerRange: parseCidr(welcome.loadBalancerCIDR),
        };
        measureEveryMs = welcome.metricsIntervalMs || metricsIntervalMs;
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
  const shutDown = async () => {
    await aborted(AbortSignal.any([shutdown.asked, signal]));
    if (signal.aborted) return;
    log.info("the host shuts down: ending its pods");
    await pods.shutDown(shutdown.due);
    podsEnded.abort();
    await session;
    over.abort();
  };
  const keepers = [keeper.run(), serviceKeeper.run(), keepRuleset({ ruleset, clock, log, signal, onChange })];
  const facts = () => ({ overlay: overlay.status(), dns: dns.counters, podCount: pods.held.length, traffic });
  await using _metrics =
    options.metrics &&
    (await serveMetrics({ listen: options.metrics, read: () => agentFamilies(facts()), log: log.child({ part: "metrics" }) }));
  await Promise.all([
    session,
    ...keepers.map((running) => running.catch(() => {})),
    dns.run(),
    keepLogs({ podFolders, readers, clock, log, signal }),
    keepMetrics({
      ...{ nodeName, containers, usage, clock, log, signal },
      pods: () => pods.held,
      links: () => linkMetricsOf(nodeName, overlay.status()),
      async readTraffic(reading) {
        traffic = await services.readTraffic(reading);
        return traffic;
      },
      intervalMs: () => measureEveryMs,
      send: (measurement) => send.measurement(measurement),
    }),
    shutDown(),
  ]);
  unfit.signal.throwIfAborted();
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
    capacity: {
      ...{ cpu: String(host.cpuCount), memory: `${Math.floor(host.memoryBytes / 1024)}Ki`, pods: "250" },
      ...options.capacity,
    },
  };
}
