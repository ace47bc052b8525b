/* What every ServiceKernel does, whether the kernel stands behind it or a few maps. `open` gives an empty one each time. */

import assert from "node:assert/strict";
import { isAppError } from "#core/errors.ts";
import { serviceNameLabel } from "#core/services/labels.ts";
import { proxiedPorts } from "#core/services/proxied-port.ts";
import { serviceTableOf } from "#kernel/service-rules.ts";
import type { EndpointTraffic, ServiceKernel, ServiceTable, TableChange } from "#kernel/service-table.ts";
import { type EndpointSlice, ObjectMeta, type Service } from "#proto/podwire/v1/resources.ts";
import { planAnew, planChange } from "../../node-agent/services/plan-service-table.ts";
import { makeService, makeSlice, proxyNode, proxyViewOf } from "../support/service-objects.ts";

export interface OpenServices extends AsyncDisposable {
  readonly services: ServiceKernel;
  /** As if so much went there, in a table that counts nothing yet. */
  lead(traffic: readonly EndpointTraffic[]): Promise<void>;
}

const { signal } = new AbortController();
const nothing = { chains: [], affinitySets: [] };
/** For assert.rejects: what a caller can do nothing about but make all anew. */
const refused = (error: unknown) => isAppError(error, "internal");

const web = makeService("web", { clusterIP: "10.96.0.80", spec: { sessionAffinity: "ClientIP" } });
const shop = makeService("shop", {
  clusterIP: "10.96.0.81",
  ports: [{ port: 80, nodePort: 30_080 }],
  spec: { type: "NodePort" },
});
const none = makeService("none", { clusterIP: "10.96.0.82" });
const long = "n".repeat(63);
const longest: Service = {
  ...makeService(long, {
    clusterIP: "10.96.0.83",
    ports: [{ name: long, port: 65_535, protocol: "UDP", nodePort: 30_083 }],
    spec: { type: "NodePort", sessionAffinity: "ClientIP" },
  }),
  metadata: ObjectMeta.fromJSON({ name: long, namespace: long }),
};
const longestSlice: EndpointSlice = {
  ...makeSlice(
    "longest-1",
    { service: long, ports: [{ name: long, port: 65_535, protocol: "UDP" }] },
    { address: "10.244.111.222" },
  ),
  metadata: ObjectMeta.fromJSON({ name: "longest-1", namespace: long, labels: { [serviceNameLabel]: long } }),
};
const webSlice = makeSlice("web-1", { service: "web" }, { address: "10.244.1.2" }, { address: "10.244.2.2" });
const oneLess = makeSlice("web-1", { service: "web" }, { address: "10.244.1.2" });
const shopSlice = makeSlice("shop-1", { service: "shop" }, { address: "10.244.1.3" });

function tableOf(...objects: readonly (Service | EndpointSlice)[]): ServiceTable {
  return serviceTableOf(proxiedPorts(proxyViewOf(...objects)), proxyNode);
}

export function describeServices(name: string, open: () => Promise<OpenServices>): void {
  describe(`the table of services, ${name}`, () => {
    it("starts empty", async () => {
      await using opened = await open();
      assert.deepEqual(await opened.services.readNames(signal), nothing);
    });

    const steps: readonly (readonly [string, ServiceTable, ServiceTable])[] = [
      ["a Service comes", tableOf(), tableOf(shop, shopSlice)],
      ["a Service goes", tableOf(web, webSlice, shop, shopSlice), tableOf(shop, shopSlice)],
      ["an endpoint goes", tableOf(web, webSlice), tableOf(web, oneLess)],
      ["the last endpoint goes", tableOf(web, webSlice), tableOf(web)],
      ["the first endpoint comes", tableOf(shop), tableOf(shop, shopSlice)],
      [
        "a Service has another's address",
        tableOf(none),
        tableOf({ ...web, spec: { ...web.spec, clusterIP: "10.96.0.82" } } as Service, webSlice),
      ],
      ["a Service with the longest names comes", tableOf(), tableOf(longest, longestSlice)],
      ["all go", tableOf(web, webSlice, shop, shopSlice, none), tableOf()],
    ];
    for (const [sentence, before, after] of steps) {
      it(`has just what is wanted when ${sentence}, step by step or made anew`, async () => {
        await using opened = await open();
        const { services } = opened;
        await services.apply(planAnew(before, await services.readNames(signal)), signal);
        assertNames(await services.readNames(signal), before);
        await services.apply(planChange(after, before) as TableChange, signal);
        assertNames(await services.readNames(signal), after);
        await services.apply(planAnew(before, await services.readNames(signal)), signal);
        assertNames(await services.readNames(signal), before);
        await services.apply(planAnew(before, await services.readNames(signal)), signal);
        assertNames(await services.readNames(signal), before);
      });
    }

    it("has nothing to do for what stands", () => {
      assert.equal(planChange(tableOf(web, webSlice, shop), tableOf(web, webSlice, shop)), undefined);
    });

    it("changes nothing where one part of a change can't be", async () => {
      await using opened = await open();
      const { services } = opened;
      const before = tableOf(web, webSlice);
      await services.apply(planAnew(before, nothing), signal);
      const change = planChange(tableOf(shop, shopSlice), before) as TableChange;
      await assert.rejects(services.apply({ ...change, staleChains: [...change.staleChains, "nobody"] }, signal), refused);
      assertNames(await services.readNames(signal), before);
      await services.apply(change, signal);
    });

    it("refuses to change a table that is not there", async () => {
      await using opened = await open();
      const { services } = opened;
      await assert.rejects(services.apply(planChange(tableOf(web, webSlice), tableOf()) as TableChange, signal), refused);
      assert.deepEqual(await services.readNames(signal), nothing);
    });

    it("counts nothing where there is no table, and in a new one", async () => {
      await using opened = await open();
      const { services } = opened;
      assert.deepEqual(await services.readTraffic(signal), []);
      await services.apply(planAnew(tableOf(web, webSlice), nothing), signal);
      assert.deepEqual(await services.readTraffic(signal), []);
    });

    it("keeps what it counted over every change, and when it is made anew", async () => {
      await using opened = await open();
      const { services } = opened;
      const before = tableOf(web, webSlice);
      await services.apply(planAnew(before, nothing), signal);
      const traffic: readonly EndpointTraffic[] = [
        { address: "10.244.1.2", protocol: "tcp", port: 8080, connections: 20, requests: 60 },
        { address: "10.244.1.2", protocol: "udp", port: 8080, connections: 5_000_000_000, requests: 9_007_199_254_740_991 },
        { address: "10.244.2.2", protocol: "tcp", port: 8080, connections: 1, requests: 0 },
      ];
      await opened.lead(traffic);
      const read = async () => (await services.readTraffic(signal)).toSorted((a, b) => b.requests - a.requests);
      const wanted = traffic.toSorted((a, b) => b.requests - a.requests);
      assert.deepEqual(await read(), wanted);
      await services.apply(planChange(tableOf(web, oneLess, shop, shopSlice), before) as TableChange, signal);
      assert.deepEqual(await read(), wanted);
      await services.apply(planAnew(tableOf(), await services.readNames(signal)), signal);
      assert.deepEqual(await read(), wanted);
    });

    it("ends with its signal", async () => {
      await using opened = await open();
      const aborted = AbortSignal.abort(new Error("enough"));
      await assert.rejects(opened.services.readNames(aborted), /enough/);
      await assert.rejects(opened.services.apply(planAnew(tableOf(), nothing), aborted), /enough/);
      await assert.rejects(opened.services.readTraffic(aborted), /enough/);
      await assert.rejects(opened.services.readUdpFlows(aborted), /enough/);
    });

    it("removes flows that are gone already without a word", async () => {
      await using opened = await open();
      const { services } = opened;
      const address = proxyNode.nodeAddress;
      const flow = {
        source: address,
        sourcePort: 4,
        destination: address,
        destinationPort: 5,
        answeredBy: address,
        answeredPort: 5,
      };
      await services.removeUdpFlows([flow], signal);
      assert.deepEqual(await services.readUdpFlows(signal), []);
    });
  });
}

function assertNames(
  actual: { readonly chains: readonly string[]; readonly affinitySets: readonly string[] },
  wanted: ServiceTable,
): void {
  assert.deepEqual(actual.chains.toSorted(), [...wanted.chains.keys()].sort());
  assert.deepEqual(actual.affinitySets.toSorted(), [...wanted.affinitySets].sort());
}
