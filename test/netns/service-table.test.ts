import { createLinuxServices } from "#kernel/linux-services.ts";
import { nftProgram } from "#kernel/nft-program.ts";

import { describeServices } from "../conformance/services.ts";
import { enterHostNamespace } from "../support/host-namespace.ts";

describeServices("Linux", async () => {
  const host = await enterHostNamespace();
  return { services: createLinuxServices(nftProgram), [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
});
