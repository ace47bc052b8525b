/* A node agent's pods for real, without a session: the test says which pods there should be and sees what is reported. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseCidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import { createRng } from "#core/rng.ts";
import { sweepCgroups } from "#kernel/cgroups.ts";
import { type Containers, linuxContainers } from "#kernel/containers.ts";
import { createLinuxNetwork } from "#kernel/linux-network.ts";
import { type Network, type PodLink, podNetnsPrefix } from "#kernel/network.ts";
import { nftProgram } from "#kernel/nft-program.ts";

import { run } from "#kernel/run.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import type { PodEvent, PodReport } from "#proto/podwire/v1/agent.ts";
import { Pod } from "#proto/podwire/v1/resources.ts";
import { createAddressPool } from "../../node-agent/pods/address-pool.ts";
import { type ConfigSources, noConfig } from "../../node-agent/pods/config-sources.ts";
import { createPodManager, type PodManager } from "../../node-agent/pods/pod-manager.ts";
import { createPodRecords, linkOf, type PodRecords } from "../../node-agent/pods/records.ts";
import { createNetworkKeeper } from "../../node-agent/reconcile/network-keeper.ts";
import { achieved } from "../../node-agent/reconcile/plan-network.ts";
import { type NetworkView, wantedNetwork } from "../../node-agent/reconcile/wanted-network.ts";
import { sortedState } from "../node-agent/reconcile/any-network.ts";
import { enterHostNamespace, type HostNamespace } from "../support/host-namespace.ts";
import { until } from "../support/until.ts";
import { processesNamed } from "./container-lab.ts";

export interface AgentOfPods extends AsyncDisposable {
  readonly pods: PodManager;
  readonly records: PodRecords;
  /** The last report of each pod. */
  readonly reports: ReadonlyMap<string, PodReport>;
  readonly history: readonly PodReport[];
  readonly events: readonly PodEvent[];
  /** The ConfigMaps and Secrets that there are from now on, for the same pods. */
  setSources(sources: ConfigSources): void;
  set(...pods: readonly Pod[]): void;
  /** Another view of the cluster, and the same pods. */
  renumber(podCidr: string): void;
  running(...pods: readonly Pod[]): Promise<void>;
  gone(...pods: readonly Pod[]): Promise<void>;
  status(pod: Pod): PodReport["status"];
  initOf(pod: Pod, container?: string): number;
  /** As kill -9 would, but for what the operating system does to a process. */
  abandon(): void;
}

export interface AgentSpec {
  readonly stateDir: string;
  readonly nodeName: string;
  readonly podCidr: string;
}

export interface AgentOverrides {
  readonly clock?: Clock;
  readonly network?: Network;
  readonly containers?: Containers;
  /** Of the host; another one is another boot. */
  readonly bootId?: string;
}

export interface PodLab extends AsyncDisposable {
  readonly host: HostNamespace;
  readonly spec: AgentSpec;
  readonly network: Network;
  startAgent(options?: AgentOverrides & { readonly podCidr?: string }): AgentOfPods;
  link(pod: Pod): PodLink;
  /** Runs a program in the pod's network, with all of the test's rights. */
  inPod(pod: Pod, ...argv: readonly string[]): Promise<string>;
  /** That the kernel holds just what these pods need, and that no file and no process of any other is left. */
  assertOnly(...pods: readonly Pod[]): Promise<void>;
}

const { signal } = new AbortController();

export async function openPodLab(): Promise<PodLab> {
  const host = await enterHostNamespace();
  const stateDir = mkdtempSync(join(tmpdir(), "podwire-pods-"));
  const { nodeName } = host;
  const spec: AgentSpec = { stateDir, nodeName, podCidr: "10.244.1.0/24" };
  const network = createLinuxNetwork(podNetnsPrefix(nodeName), nftProgram);
  const agents = new Set<AgentOfPods>();
  const records = () => createPodRecords(stateDir);
  const link = (pod: Pod) => {
    const record = records()
      .load()
      .find(({ uid }) => uid === uidOf(pod));
    if (record?.address === undefined) throw new Error(`${pod.metadata?.name} has no address`);
    return linkOf(nodeName, { uid: record.uid, address: record.address, hostPorts: record.hostPorts });
  };
  return {
    host,
    spec,
    network,
    link,
    startAgent({ podCidr, ...others } = {}) {
      const agent = startAgentOfPods({ ...spec, podCidr: podCidr ?? spec.podCidr }, { network, ...others });
      agents.add(agent);
      return agent;
    },
    inPod: (pod, ...argv) => run(["nsenter", `--net=/run/netns/${link(pod).netns}`, "--", ...argv], { signal }),
    async assertOnly(...pods) {
      const wanted = sortedState(achieved(wantedNetwork(viewOf(spec.podCidr), pods.map(link))));
      const actual = async () => sortedState(await network.read(signal));
      await until(async () => isDeepStrictEqual(await actual(), wanted), "the network to stand").catch(() => {});
      assert.deepEqual(await actual(), wanted);
      assert.deepEqual(readdirSync(join(stateDir, "pods")).toSorted(), pods.map(uidOf).toSorted());
      const strays = processesNamed(join(stateDir, "pods")).filter(
        (pid) => !pods.some((pod) => processesNamed(uidOf(pod)).includes(pid)),
      );
      assert.deepEqual(strays, []);
    },
    async [Symbol.asyncDispose]() {
      for (const agent of agents) agent.abandon();
      const last = startAgentOfPods(spec, { network });
      last.set();
      await until(() => readdirSync(join(stateDir, "pods")).length === 0, "all pods to go");
      last.abandon();
      sweepCgroups(stateDir);
      rmSync(stateDir, { recursive: true, force: true });
      await host[Symbol.asyncDispose]();
    },
  };
}

export function startAgentOfPods(
  { stateDir, nodeName, podCidr }: AgentSpec,
  {
    clock = systemClock,
    network,
    containers = linuxContainers,
    bootId = "boot-1",
  }: AgentOverrides & { readonly network: Network },
): AgentOfPods {
  const controller = new AbortController();
  const log = createLog({ level: process.env.PODWIRE_TEST_LOG === undefined ? "silent" : "debug", name: "test" });
  const records = createPodRecords(stateDir);
  const adopted = records.load();
  const links = adopted.flatMap(({ uid, address, hostPorts }) =>
    address === undefined ? [] : [linkOf(nodeName, { uid, address, hostPorts })],
  );
  const { signal } = controller;
  const keeper = createNetworkKeeper({ network, clock, rng: createRng(1), log, signal, adopted: links });
  const addresses = createAddressPool(records, clock);
  const reports = new Map<string, PodReport>();
  const history: PodReport[] = [];
  const events: PodEvent[] = [];
  const pods = createPodManager({
    bootId,
    ...{ nodeName, nodeAddress: viewOf(podCidr).nodeAddress, hiddenFolder: stateDir, keeper, containers },
    services: () => [],
    resolvers: () => ({ dnsAddress: "10.96.0.10", ofNode: "nameserver 192.168.0.1\n" }),
    ...{ records, addresses, clock, log, signal, adopted },
    onReport(report) {
      reports.set(report.uid, report);
      history.push(report);
    },
    onEvent: (event) => void events.push(event),
  });
  let sources = noConfig;
  let wanted: readonly Pod[] = [];
  const follow = (view: NetworkView) => {
    addresses.setPodCidrs(view.podCidrs);
    keeper.setView(view).catch(() => {});
    pods.set(new Map(wanted.map((pod) => [uidOf(pod), pod])), sources);
  };
  let view = viewOf(podCidr);
  const abandon = () => controller.abort();
  const status = (pod: Pod) => reports.get(uidOf(pod))?.status;
  const loop = keeper.run().catch(() => {});
  return {
    pods,
    records,
    reports,
    history,
    events,
    setSources(next) {
      sources = next;
      follow(view);
    },
    set(...next) {
      wanted = next;
      follow(view);
    },
    renumber(next) {
      view = viewOf(next);
      follow(view);
    },
    status,
    running: async (...all) => {
      for (const pod of all)
        await until(() => status(pod)?.phase === "Running" && isReady(status(pod)), `${pod.metadata?.name} to run`);
    },
    gone: async (...all) => {
      for (const pod of all) await until(() => reports.get(uidOf(pod))?.gone, `${pod.metadata?.name} to be gone`);
    },
    initOf(pod, container = "") {
      const { stateDir } = pods.find(pod.metadata?.namespace ?? "", pod.metadata?.name ?? "", container);
      const state = linuxContainers.read(stateDir);
      if (state.state !== "running") throw new Error(`the container is ${state.state}`);
      return state.init.pid;
    },
    abandon,
    async [Symbol.asyncDispose]() {
      abandon();
      await loop;
    },
  };
}

/** A pod with one container `main`, or those that are given. */
export function makePod(name: string, command: readonly string[], more: { spec?: object; containers?: object[] } = {}): Pod {
  return Pod.fromJSON({
    metadata: { name, namespace: "default", uid: randomUUID() },
    spec: {
      containers: more.containers ?? [{ name: "main", image: "any", command }],
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      ...more.spec,
    },
  });
}

/** The same pod, asked to end. */
export function deleted(pod: Pod, graceSeconds: number): Pod {
  const deletion = { deletionTimestamp: new Date().toISOString(), deletionGracePeriodSeconds: graceSeconds };
  return { ...pod, metadata: { ...(pod.metadata as NonNullable<Pod["metadata"]>), ...deletion } };
}

export function uidOf(pod: Pod): string {
  return pod.metadata?.uid ?? "";
}

/** Time that goes `factor` times as fast for whoever sleeps. */
export function fastClock(factor: number): Clock {
  const startMs = Date.now();
  return {
    wallMs: () => startMs + (Date.now() - startMs) * factor,
    monotonicMs: () => systemClock.monotonicMs() * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
    timerMs: systemClock.timerMs,
  };
}

function viewOf(podCidr: string): NetworkView {
  return {
    nodeAddress: hostAddress,
    podRange: parseCidr("10.244.0.0/16"),
    serviceRange: parseCidr("10.96.0.0/16"),
    balancerRange: parseCidr("10.97.0.0/24"),
    podCidrs: [parseCidr(podCidr)],
    peerAddresses: [],
  };
}

const hostAddress = parseCidr("192.168.0.1/32").base;

function isReady(status: PodReport["status"]): boolean {
  return status?.conditions.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}
