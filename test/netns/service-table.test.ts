import { createLinuxServices } from "#kernel/linux-services.ts";
import { nftProgram } from "#kernel/nft-program.ts";
import type { EndpointTraffic } from "#kernel/service-table.ts";

import { describeServices } from "../conformance/services.ts";
import { enterHostNamespace } from "../support/host-namespace.ts";

const { signal } = new AbortController();

describeServices("Linux", async () => {
  const host = await enterHostNamespace();
  return {
    services: createLinuxServices(nftProgram),
    lead: (traffic) => nftProgram.apply(traffic.flatMap(counters), signal),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
});

function counters({ address, protocol, port, connections, requests }: EndpointTraffic): string[] {
  return Object.entries({ connections, requests }).map(
    ([set, packets]) =>
      `add element ip podwire_services ${set} { ${address} . ${protocol} . ${port} counter packets ${packets} bytes 0 }`,
  );
}
