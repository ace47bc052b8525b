/* An agent of pods in a process of its own, for tests that kill it: gets its spec and its pods as JSON. */

import { createLinuxNetwork } from "#kernel/linux-network.ts";
import { podNetnsPrefix } from "#kernel/network.ts";
import { nftProgram } from "#kernel/nft-program.ts";

import { Pod } from "#proto/podwire/v1/resources.ts";
import { type AgentSpec, startAgentOfPods } from "./pod-lab.ts";

const { spec, pods } = JSON.parse(process.argv[2] ?? "") as { spec: AgentSpec; pods: unknown[] };
const agent = startAgentOfPods(spec, { network: createLinuxNetwork(podNetnsPrefix(spec.nodeName), nftProgram) });
process.stdout.write("ready\n");
agent.set(...pods.map((pod) => Pod.fromJSON(pod)));
setInterval(() => {}, 1_000);
