import { createLinuxNetwork } from "#kernel/linux-network.ts";
import { podNetnsPrefix } from "#kernel/network.ts";
import { unwatchedRuleset } from "#kernel/ruleset.ts";
import { describeNetwork } from "../conformance/network.ts";
import { enterHostNamespace } from "../support/host-namespace.ts";

describeNetwork("Linux", async () => {
  const host = await enterHostNamespace();
  const netnsPrefix = podNetnsPrefix(host.nodeName);
  return {
    network: createLinuxNetwork(netnsPrefix, unwatchedRuleset),
    netnsPrefix,
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
});
