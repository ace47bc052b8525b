/* The program inside a sandbox: makes the hosts, starts the control plane and an agent on each node, and keeps them running. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseIpv4 } from "#core/ipv4.ts";
import { createHosts, onHost } from "#kernel/hosts.ts";
import { type Service, supervise } from "#kernel/supervise.ts";
import { runDaemon } from "#process/daemon.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { systemRng } from "#process/system-rng.ts";
import {
  agentPort,
  type ClusterConfig,
  controlPlaneHost,
  type HostPlan,
  nodeCidrPrefix,
  nodeHosts,
  underlay,
} from "./cluster-config.ts";
import { type ClusterFolder, clusterFolder } from "./cluster-folder.ts";

/** Each host is a process: small young generations and one malloc arena save 5 MB of each, and the overlay's throughput does not suffer. */
const thrifty = ["--max-semi-space-size=1"];
const controlPlaneProgram = fileURLToPath(import.meta.resolve("../control-plane/main.ts"));
const agentProgram = fileURLToPath(import.meta.resolve("../node-agent/main.ts"));
const [name = "", tied] = process.argv.slice(2);
const folder = clusterFolder(name, process.env);
const config = JSON.parse(readFileSync(folder.config, "utf8")) as ClusterConfig;
const log = createLog({ level: config.logLevel, name: "supervisor" }).child({ cluster: name });

// Whoever started us holds the other end of our standard input: when it ends, however it ends, so do we.
if (tied === "tied") process.stdin.on("end", () => process.kill(process.pid, "SIGTERM")).resume();

await runDaemon(log, async (signal) => {
  const nodes = nodeHosts(config.nodeCount);
  const hosts = [controlPlaneHost, ...nodes].map((host) => ({ name: host.name, address: parseIpv4(host.address) }));
  await createHosts(hosts, underlay, signal);
  log.info({ nodes: nodes.length }, "hosts made");
  const services = [controlPlane(config, folder), ...nodes.map((host) => agent(host, config, folder))];
  await Promise.all(services.map((service) => supervise(service, { clock: systemClock, rng: systemRng, log, signal })));
});

function controlPlane(
  { name: cluster, podCidr, serviceCidr, loadBalancerCidr, logLevel, timeScale }: ClusterConfig,
  paths: ClusterFolder,
): Service {
  return service(paths, controlPlaneHost.name, [
    controlPlaneProgram,
    ...["--cluster", cluster],
    ...["--data", paths.data],
    ...["--socket", paths.socket],
    ...["--listen", `${controlPlaneHost.address}:${agentPort}`],
    ...["--join-token-file", paths.joinToken],
    ...["--pod-cidr", podCidr],
    ...["--node-cidr-prefix", String(nodeCidrPrefix)],
    ...["--service-cidr", serviceCidr],
    ...["--load-balancer-cidr", loadBalancerCidr],
    ...["--time-scale", String(timeScale)],
    ...["--log-level", logLevel],
  ]);
}

function agent({ name: node, address }: HostPlan, { logLevel }: ClusterConfig, paths: ClusterFolder): Service {
  return service(paths, node, [
    agentProgram,
    ...["--server", `${controlPlaneHost.address}:${agentPort}`],
    ...["--node-name", node],
    ...["--node-ip", address],
    ...["--state", join(paths.state, node)],
    ...["--hide", paths.dir],
    ...["--join-token-file", paths.joinToken],
    ...["--log-level", logLevel],
  ]);
}

function service(paths: ClusterFolder, host: string, argv: readonly string[]): Service {
  return {
    name: host,
    argv: onHost(host, [process.execPath, ...process.execArgv, ...thrifty, ...argv]),
    env: { ...(process.env as Record<string, string>), MALLOC_ARENA_MAX: "1" },
    logPath: join(paths.logs, `${host}.log`),
  };
}
