/* The node agent's process: flags in, one agent until a signal. */

import { readFileSync } from "node:fs";
import { linuxContainers } from "#kernel/containers.ts";
import { keepInheritedDescriptors } from "#kernel/descriptors.ts";
import { createLinuxNetwork, prepareHost, prepareTun } from "#kernel/linux-network.ts";
import { podNetnsPrefix, tunName } from "#kernel/network.ts";
import { openTun } from "#kernel/tun.ts";
import { readOptions, runDaemon } from "#process/daemon.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { systemRng } from "#process/system-rng.ts";
import { runAgent } from "./agent.ts";
import { type AgentOptions, agentFlags, agentUsage, parseAgentOptions } from "./options.ts";
import { createTermination } from "./pods/termination.ts";

const options = readOptions({ usage: agentUsage, flags: agentFlags, parse: parseAgentOptions });
if (options !== undefined) await serve(options);

async function serve(options: AgentOptions): Promise<void> {
  const log = createLog({ level: options.logLevel, name: "node-agent" }).child({ node: options.nodeName });
  await runDaemon(log, async (signal) => {
    const shutdown = createTermination(systemClock, signal);
    // As a machine's first process gets it: the power is about to fail. The second time it fails now.
    process.once("SIGPWR", () => {
      shutdown.end(Number.POSITIVE_INFINITY);
      process.once("SIGPWR", () => shutdown.end(0));
    });
    keepInheritedDescriptors();
    prepareHost();
    using tun = openTun({ name: tunName });
    await prepareTun(signal);
    await runAgent({
      options,
      tun,
      network: createLinuxNetwork(podNetnsPrefix(options.nodeName)),
      containers: linuxContainers,
      joinToken: () => (options.joinTokenFile === undefined ? undefined : readFileSync(options.joinTokenFile, "utf8").trim()),
      clock: systemClock,
      rng: systemRng,
      log,
      shutdown,
      signal,
    });
  });
}
