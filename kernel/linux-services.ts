/* The table of Services on Linux: nftables for the rules, `conntrack` for what still flows by rules that are gone. */

import { parseUdpFlows, renderRemoval } from "./conntrack.ts";
import type { Ruleset } from "./ruleset.ts";
import { RunError, run } from "./run.ts";
import { counterSet, parseNames, parseTraffic, renderTableChange } from "./service-nft.ts";
import type { EndpointTraffic, ServiceKernel } from "./service-table.ts";

export function createLinuxServices(ruleset: Ruleset): ServiceKernel {
  return {
    async readNames(signal) {
      // Terse: the sets' elements are nobody's business but the kernel's.
      const answers = await Promise.all([
        ruleset.list(["chains", "ip"], signal),
        ruleset.list(["sets", "ip"], signal, { terse: true }),
      ]);
      return parseNames(...answers);
    },
    apply: (change, signal) => ruleset.apply(renderTableChange(change), signal),
    readTraffic: (signal) => readTraffic(ruleset, signal),
    async readUdpFlows(signal) {
      return parseUdpFlows(await run(["conntrack", "-L", "-f", "ipv4", "-p", "udp"], { signal }));
    },
    async removeUdpFlows(flows, signal) {
      const removals = new Map(flows.map((flow) => [renderRemoval(flow).join(" "), renderRemoval(flow)]));
      for (const removal of removals.values()) await removeFlows(removal, signal);
    },
  };
}

async function readTraffic(ruleset: Ruleset, signal: AbortSignal): Promise<EndpointTraffic[]> {
  try {
    const [connections, requests] = await Promise.all([
      ruleset.list(counterSet("connections"), signal),
      ruleset.list(counterSet("requests"), signal),
    ]);
    return parseTraffic({ connections, requests });
  } catch (error) {
    // An agent has no table before its first session, and its predecessor's may have no such sets.
    if (error instanceof RunError && error.stderr.includes("No such file or directory")) return [];
    throw error;
  }
}

/** That nothing was left to delete is an error of the program's, and none of ours. */
async function removeFlows(removal: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await run(["conntrack", ...removal], { signal });
  } catch (error) {
    if (!(error instanceof RunError && error.stderr.includes("0 flow entries have been deleted"))) throw error;
  }
}
