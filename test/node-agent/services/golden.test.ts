/* The lines that `nft` gets when something changes: read the files under test/golden/services. */

import { proxiedPorts } from "#core/services/proxied-port.ts";
import { renderTableChange } from "#kernel/service-nft.ts";
import { serviceTableOf } from "#kernel/service-rules.ts";
import type { ServiceTable, TableChange } from "#kernel/service-table.ts";
import type { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";
import { planAnew, planChange } from "../../../node-agent/services/plan-service-table.ts";
import { assertGolden } from "../../support/golden.ts";
import { makeService, makeSlice, proxyNode, proxyViewOf } from "../../support/service-objects.ts";

const one = { address: "10.244.1.2", node: "node-1" };
const two = { address: "10.244.2.2", node: "node-2" };
const three = { address: "10.244.2.3", node: "node-2" };

const web = makeService("web", { clusterIP: "10.96.0.80" });
const webSlice = makeSlice("web-1", { service: "web" }, one, two);
const sticky = makeService("web", { clusterIP: "10.96.0.80", spec: { sessionAffinity: "ClientIP" } });
const nodePort = { ports: [{ port: 80, nodePort: 30_080 }] } as const;
const open = makeService("open", { clusterIP: "10.96.0.81", ...nodePort, spec: { type: "NodePort" } });
const openSlice = makeSlice("open-1", { service: "open" }, two);
const local = makeService("open", {
  clusterIP: "10.96.0.81",
  ...nodePort,
  spec: { type: "LoadBalancer", externalTrafficPolicy: "Local" },
  ingress: ["203.0.113.5"],
});
const kubernetes = makeService("kubernetes", { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] });

function tableOf(...objects: readonly (Service | EndpointSlice)[]): ServiceTable {
  return serviceTableOf(proxiedPorts(proxyViewOf(...objects)), proxyNode);
}

function change(wanted: ServiceTable, actual: ServiceTable): TableChange {
  const planned = planChange(wanted, actual);
  if (planned === undefined) throw new Error("nothing to do");
  return planned;
}

const changes: readonly (readonly [file: string, sentence: string, change: TableChange])[] = [
  [
    "agent-starts",
    "an agent starts where another had a Service that is gone and one that is there still",
    planAnew(tableOf(kubernetes, sticky, webSlice), {
      chains: [...tableOf(open, openSlice, sticky, webSlice).chains.keys()],
      affinitySets: ["affinity/default/web/tcp/80/10.244.1.2/8080", "affinity/default/web/tcp/80/10.244.9.9/8080"],
    }),
  ],
  ["service-comes", "a Service comes", change(tableOf(kubernetes, web, webSlice), tableOf(kubernetes))],
  ["service-goes", "a Service goes", change(tableOf(kubernetes), tableOf(kubernetes, sticky, webSlice))],
  [
    "endpoint-comes",
    "an endpoint comes",
    change(tableOf(web, makeSlice("web-1", { service: "web" }, one, two, three)), tableOf(web, webSlice)),
  ],
  ["last-endpoint-goes", "the last endpoint goes", change(tableOf(open), tableOf(open, openSlice))],
  [
    "affinity-endpoint-goes",
    "an endpoint of a Service with session affinity goes",
    change(tableOf(sticky, makeSlice("web-1", { service: "web" }, one)), tableOf(sticky, webSlice)),
  ],
  [
    "node-port-becomes-local",
    "a node port becomes a load balancer's with externalTrafficPolicy Local, and has no endpoint here",
    change(tableOf(local, openSlice), tableOf(open, openSlice)),
  ],
];

describe("changes of the table of services, written out", () => {
  for (const [file, sentence, change] of changes) {
    it(`shows what is done when ${sentence}`, () => {
      assertGolden(`services/${file}.txt`, `# ${sentence}\n${renderTableChange(change).join("\n")}\n`);
    });
  }
});
