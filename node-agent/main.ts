/* The node agent's process: flags in, one agent until a signal. */

import { existsSync, readFileSync } from "node:fs";
import { AppError, messageOf } from "#core/errors.ts";
import { linuxContainers } from "#kernel/containers.ts";
import { keepInheritedDescriptors } from "#kernel/descriptors.ts";
import { createLinuxNetwork, prepareHost, prepareTun, readForeignRoutes } from "#kernel/linux-network.ts";
import { createLinuxServices } from "#kernel/linux-services.ts";
import { podNetnsPrefix, tunName } from "#kernel/network.ts";
import { openNftLibrary } from "#kernel/nft-library.ts";
import { nftProgram } from "#kernel/nft-program.ts";
import { watchRuleset } from "#kernel/ruleset.ts";
import { openTun } from "#kernel/tun.ts";
import { linuxUsage } from "#kernel/usage.ts";
import { readOptions, runDaemon } from "#process/daemon.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { systemRng } from "#process/system-rng.ts";
import { runAgent } from "./agent.ts";
import { type AgentOptions, agentFlags, agentUsage, parseAgentOptions } from "./options.ts";
import { createTermination } from "./pods/termination.ts";

const resolvConf = "/etc/resolv.conf";
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
    const [foreignRoutes] = await Promise.all([readForeignRoutes(signal), prepareTun(signal)]);
    using ruleset = watchRuleset(openNftLibrary() ?? nftProgram);
    await runAgent({
      options,
      tun,
      ruleset,
      foreignRoutes,
      network: createLinuxNetwork(podNetnsPrefix(options.nodeName), ruleset),
      services: createLinuxServices(ruleset),
      containers: linuxContainers,
      usage: linuxUsage,
      joinToken: () => (options.joinTokenFile === undefined ? undefined : readJoinToken(options.joinTokenFile)),
      nodeResolvConf: () => (existsSync(resolvConf) ? readFileSync(resolvConf, "utf8") : ""),
      clock: systemClock,
      rng: systemRng,
      log,
      shutdown,
      signal,
    });
  });
}

function readJoinToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new AppError("failed-precondition", `no join token yet: ${messageOf(error)}`, { cause: error });
  }
}
