/* The program inside a sandbox: boots the hosts, keeps the control plane and an agent on each node running, and adds, stops and starts
 * hosts when it is asked to. */

import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { aborted } from "#core/aborted.ts";
import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import { sweepAbandonedCgroups } from "#kernel/cgroups.ts";
import { bootHosts, createUnderlay, type Machine } from "#kernel/hosts.ts";
import { type Service, supervise } from "#kernel/supervise.ts";
import { runDaemon } from "#process/daemon.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { systemRng } from "#process/system-rng.ts";
import {
  agentPort,
  type ClusterConfig,
  controlPlaneHost,
  heartbeatTimeoutSeconds,
  nodeCidrPrefix,
  nodesAtMost,
  underlay,
} from "./cluster-config.ts";
import { clusterFolder, hostFolder } from "./cluster-folder.ts";
import { createHostFleet } from "./host-fleet.ts";
import { type HostPlan, labelsOfFirst } from "./host-plan.ts";
import { serveHosts } from "./host-socket.ts";
import { provideNodes } from "./node-provider.ts";

/** Each host is a process: small young generations and one malloc arena save 5 MB of each, and the overlay's throughput does not suffer. */
const thrifty = ["--max-semi-space-size=1"];
const controlPlaneProgram = fileURLToPath(import.meta.resolve("../control-plane/main.ts"));
const agentProgram = fileURLToPath(import.meta.resolve("../node-agent/main.ts"));
const [name = ""] = process.argv.slice(2);
const folder = clusterFolder(name, process.env);
const config = JSON.parse(readFileSync(folder.config, "utf8")) as ClusterConfig;
const server = `${formatIpv4(controlPlaneHost.address)}:${agentPort}`;
const log = createLog({ level: config.logLevel, name: "supervisor" }).child({ cluster: name });

// Whoever started us holds the other end of our standard input: when it ends, however it ends, so do we, unless it let us go before.
let free = false;
process.stdin.on("data", () => {
  free = true;
});
process.stdin.on("end", () => {
  if (!free) process.kill(process.pid, "SIGTERM");
});

await runDaemon(log, async (stop) => {
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  const options = { clock: systemClock, rng: systemRng, log, signal };
  const fleet = createHostFleet({ ...options, config, agentOf: agent, diskOf: (node) => hostFolder(folder, node).disk, wipe });
  await createUnderlay(signal);
  const { disk } = hostFolder(folder, controlPlaneHost.name);
  const [machines] = await Promise.all([
    bootHosts([{ ...controlPlaneHost, disk }], underlay, signal),
    fleet.add({ labels: labelsOfFirst(config), taken: [] }),
  ]);
  log.info({ nodes: config.nodeCount }, "hosts booted");
  const services = machines.map(async (machine) => {
    const { ended } = supervise(controlPlane(machine), options);
    await Promise.race([machine.ended, aborted(signal)]);
    if (!signal.aborted) log.fatal("the control plane's host died, and the cluster with it");
    over.abort();
    await ended;
  });
  const { nodeGroup: group } = config;
  const providers = group === undefined ? [] : [provideNodes({ ...options, group, fleet, socket: folder.socket })];
  await Promise.all([...services, ...providers, serveHosts({ path: folder.hostSocket, fleet, log, signal })]);
});

function wipe(node: string): void {
  const { disk, log: path } = hostFolder(folder, node);
  for (const stale of [disk, path]) rmSync(stale, { recursive: true, force: true });
  // Of its containers, too: nobody will look after those any more.
  sweepAbandonedCgroups(systemClock.wallMs());
}

function controlPlane(machine: Machine): Service {
  return serviceOn(machine, [
    controlPlaneProgram,
    ...["--cluster", name],
    ...["--data", folder.data],
    ...["--socket", folder.socket],
    ...["--listen", server],
    ...["--join-token-file", folder.joinToken],
    ...["--pod-cidr", config.podCidr],
    ...["--node-cidr-prefix", String(nodeCidrPrefix)],
    ...["--service-cidr", config.serviceCidr],
    ...["--load-balancer-cidr", config.loadBalancerCidr],
    ...["--heartbeat-timeout", String(heartbeatTimeoutSeconds(nodesAtMost(config)))],
    ...["--time-scale", String(config.timeScale)],
    ...metricsAt(controlPlaneHost.address),
    ...["--log-level", config.logLevel],
  ]);
}

function agent({ name: node, address, labels }: HostPlan, machine: Machine): Service {
  return serviceOn(machine, [
    agentProgram,
    ...["--server", server],
    ...["--node-name", node],
    ...["--node-ip", formatIpv4(address)],
    ...["--state", hostFolder(folder, node).disk],
    ...["--hide", folder.dir],
    ...["--join-token-file", folder.joinToken],
    ...metricsAt(address),
    ...(Object.keys(labels).length === 0 ? [] : ["--labels", pairsText(labels)]),
    ...(config.nodeCapacity === undefined ? [] : ["--capacity", pairsText(config.nodeCapacity)]),
    ...["--log-level", config.logLevel],
  ]);
}

function pairsText(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

function metricsAt(address: Ipv4): string[] {
  return config.metricsPort === undefined ? [] : ["--metrics", `${formatIpv4(address)}:${config.metricsPort}`];
}

function serviceOn(machine: Machine, argv: readonly string[]): Service {
  return {
    name: machine.name,
    machine,
    argv: [process.execPath, ...process.execArgv, ...thrifty, ...argv],
    env: { ...(process.env as Record<string, string>), MALLOC_ARENA_MAX: "1" },
    logPath: hostFolder(folder, machine.name).log,
  };
}
