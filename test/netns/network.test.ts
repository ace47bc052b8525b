import { createLinuxNetwork } from "#kernel/linux-network.ts";
import { podNetnsPrefix } from "#kernel/network.ts";
import { nftProgram } from "#kernel/nft-program.ts";

import { describeNetwork } from "../conformance/network.ts";
import { enterHostNamespace } from "../support/host-namespace.ts";

describeNetwork("Linux", async () => {
  const host = await enterHostNamespace();
  const netnsPrefix = podNetnsPrefix(host.nodeName);
  return {
    network: createLinuxNetwork(netnsPrefix, nftProgram),
    netnsPrefix,
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
});
