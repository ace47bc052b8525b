/* Services at their addresses: agents, tunnels, pods and clients in real namespaces. The sentences are those of Kubernetes' own tests
 * where there is one. */

import assert from "node:assert/strict";
import type { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";
import { type EndpointSketch, makeService, makeSlice, type ServiceSketch } from "../support/service-objects.ts";
import { until } from "../support/until.ts";
import { type LabPod, openServiceLab, type ServiceLab, startTrio } from "./service-lab.ts";
import { ask, askForAll, type Question } from "./service-questions.ts";

const clusterIP = "10.96.0.80";
const web: Question = { protocol: "tcp", host: clusterIP, port: 80 };
const whole = {
  ports: [
    { name: "http", port: 80 },
    { name: "udp", port: 80, protocol: "UDP" },
  ],
} as const;
const wholeSlice = {
  service: "web",
  ports: [
    { name: "http", port: 8080 },
    { name: "udp", port: 8081, protocol: "UDP" },
  ],
} as const;
const ending = { ready: false, serving: true, terminating: true };

describe("services at their addresses", () => {
  let lab: ServiceLab;
  let one: LabPod;
  let two: LabPod;
  let client: LabPod;

  before(async () => {
    lab = await openServiceLab();
    [one, two, client] = await startTrio(lab);
  });
  after(() => lab[Symbol.asyncDispose]());

  const endpoint = ({ address, node }: LabPod, more: Partial<EndpointSketch> = {}) => ({ address, node: node.name, ...more });
  const serveWeb = (sketch: Partial<ServiceSketch>, ...endpoints: readonly EndpointSketch[]) =>
    lab.serve(makeService("web", { clusterIP, ...whole, ...sketch }), makeSlice("web-1", wholeSlice, ...endpoints));

  for (const protocol of ["tcp", "udp"] as const) {
    it(`should function for pod-Service, node-Service and endpoint-Service: ${protocol === "tcp" ? "http" : "udp"}`, async () => {
      await serveWeb({}, endpoint(one), endpoint(two));
      for (const place of [client, one, two, lab.node(1), lab.node(2)]) {
        assert.deepEqual(await askForAll(place, { ...web, protocol }), ["one", "two"]);
      }
    });

    it(`should allow pods to hairpin back to themselves through services: ${protocol}`, async () => {
      await serveWeb({}, endpoint(one));
      assert.deepEqual(await askForAll(one, { ...web, protocol }), ["one"]);
    });

    it(`should preserve source pod IP for traffic thru service cluster IP: ${protocol}`, async () => {
      await serveWeb({}, endpoint(one), endpoint(two));
      const seen = await askForAll(client, { ...web, protocol, request: "clientip" });
      assert.deepEqual([...new Set(seen.map((text) => text.split(":")[0]))], [client.address]);
    });

    it(`should respect internalTrafficPolicy=Local Pod to Pod: ${protocol}`, async () => {
      await serveWeb({ spec: { internalTrafficPolicy: "Local" } }, endpoint(one), endpoint(two));
      assert.deepEqual(await askForAll(client, { ...web, protocol }), ["one"]);
      assert.deepEqual(await askForAll(two, { ...web, protocol }), ["two"]);
      await serveWeb({ spec: { internalTrafficPolicy: "Local" } }, endpoint(two));
      assert.deepEqual(await askForAll(client, { ...web, protocol, tries: 5, timeoutMs: 300 }), ["TIMEOUT"]);
    });
  }

  it("should be rejected when no endpoints exist", async () => {
    await serveWeb({});
    for (const place of [client, two, lab.node(1), lab.node(2)]) {
      assert.deepEqual(await askForAll(place, web), ["ECONNREFUSED"]);
      assert.deepEqual(await askForAll(place, { ...web, protocol: "udp" }), ["ECONNREFUSED"]);
    }
  });

  it("refuses other ports of an address that is served, and drops what is for no Service", async () => {
    await serveWeb({}, endpoint(one));
    for (const place of [client, lab.node(2)]) {
      assert.deepEqual(await askForAll(place, { ...web, port: 81 }), ["ECONNREFUSED"]);
      assert.deepEqual(await ask(place, { ...web, host: "10.96.7.7", timeoutMs: 300 }), ["TIMEOUT"]);
    }
  });

  it("should serve endpoints on same port and different protocols, each by itself", async () => {
    await serveWeb({}, endpoint(one));
    assert.deepEqual(await askForAll(client, web), ["one"]);
    assert.deepEqual(await askForAll(client, { ...web, protocol: "udp" }), ["one"]);
    await lab.serve(
      makeService("web", { clusterIP, ports: [{ name: "udp", port: 80, protocol: "UDP" }] }),
      makeSlice("web-1", wholeSlice, endpoint(one)),
    );
    assert.deepEqual(await askForAll(client, web), ["ECONNREFUSED"]);
    assert.deepEqual(await askForAll(client, { ...web, protocol: "udp" }), ["one"]);
  });

  it("should support a Service with multiple endpoint IPs and multiple ports specified in multiple EndpointSlices", async () => {
    await lab.serve(
      makeService("web", { clusterIP, ...whole }),
      makeSlice("web-1", { service: "web", ports: [{ name: "http", port: 8080 }] }, endpoint(one)),
      makeSlice("web-2", { service: "web", ports: [{ name: "http", port: 8080 }] }, endpoint(two)),
      makeSlice("web-3", { service: "web", ports: [{ name: "udp", protocol: "UDP", port: 8081 }] }, endpoint(two)),
    );
    assert.deepEqual(await askForAll(client, web), ["one", "two"]);
    assert.deepEqual(await askForAll(client, { ...web, protocol: "udp" }), ["two"]);
  });

  it("should be able to up and down services, and work after one has been recreated", async () => {
    const other = makeService("other", { clusterIP: "10.96.0.81" });
    const otherSlice = makeSlice("other-1", { service: "other" }, endpoint(two));
    const all = (...more: readonly (Service | EndpointSlice)[]) => lab.serve(other, otherSlice, ...more);
    const slice = makeSlice("web-1", wholeSlice, endpoint(one));
    await all(makeService("web", { clusterIP, ...whole }), slice);
    assert.deepEqual(await askForAll(client, web), ["one"]);
    await all();
    assert.deepEqual(await ask(client, { ...web, timeoutMs: 300 }), ["TIMEOUT"]);
    assert.deepEqual(await askForAll(client, { ...web, host: "10.96.0.81" }), ["two"]);
    await all(makeService("web", { clusterIP: "10.96.0.82", ...whole }), slice);
    assert.deepEqual(await askForAll(client, { ...web, host: "10.96.0.82" }), ["one"]);
  });

  it("should be updated after adding or deleting ports", async () => {
    await serveWeb({ ports: [...whole.ports, { name: "more", port: 90 }] }, endpoint(one));
    assert.deepEqual(await askForAll(client, { ...web, port: 90 }), ["ECONNREFUSED"]);
    await lab.serve(
      makeService("web", { clusterIP, ports: [{ name: "more", port: 90 }] }),
      makeSlice("web-1", { service: "web", ports: [{ name: "more", port: 8080 }] }, endpoint(one)),
    );
    assert.deepEqual(await askForAll(client, { ...web, port: 90 }), ["one"]);
    assert.deepEqual(await askForAll(client, web), ["ECONNREFUSED"]);
  });

  for (const label of ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"]) {
    it(`should implement ${label}`, async () => {
      await serveWeb({ labels: { [label]: "other" } }, endpoint(one));
      assert.deepEqual(await ask(client, { ...web, timeoutMs: 300 }), ["TIMEOUT"]);
      await serveWeb({}, endpoint(one));
      assert.deepEqual(await askForAll(client, web), ["one"]);
      await serveWeb({ labels: { [label]: "other" } }, endpoint(one));
      assert.deepEqual(await ask(client, { ...web, timeoutMs: 300 }), ["TIMEOUT"]);
    });
  }

  it("should fallback to terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Cluster", async () => {
    await serveWeb({}, endpoint(one), endpoint(two, ending));
    assert.deepEqual(await askForAll(client, web), ["one"]);
    await serveWeb({}, endpoint(one, { ...ending, serving: false }), endpoint(two, ending));
    assert.deepEqual(await askForAll(client, web), ["two"]);
    await serveWeb({}, endpoint(one, { ...ending, serving: false }));
    assert.deepEqual(await askForAll(client, web), ["ECONNREFUSED"]);
  });

  it("should fallback to local terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Local", async () => {
    await serveWeb({ spec: { internalTrafficPolicy: "Local" } }, endpoint(one, ending), endpoint(two));
    assert.deepEqual(await askForAll(client, web), ["one"]);
  });

  it("should route traffic to an endpoint in the same zone when using PreferSameZone, and elsewhere when there is none", async () => {
    await serveWeb({}, endpoint(one, { forZones: ["east"] }), endpoint(two, { forZones: ["west"] }));
    assert.deepEqual(await askForAll(client, web), ["one"]);
    assert.deepEqual(await askForAll(lab.node(2), web), ["two"]);
    await serveWeb({}, endpoint(two, { forZones: ["west"] }));
    assert.deepEqual(await askForAll(client, web), ["two"]);
  });

  it("should route traffic to an endpoint on the same node or fall back to same zone when using PreferSameNode", async () => {
    const hints = (zone: string, number: number) => ({ forZones: [zone], forNodes: [lab.node(number).name] });
    await serveWeb({}, endpoint(one, hints("east", 1)), endpoint(two, hints("east", 2)));
    assert.deepEqual(await askForAll(client, web), ["one"]);
    await serveWeb({}, endpoint(one, hints("west", 3)), endpoint(two, hints("east", 2)));
    assert.deepEqual(await askForAll(client, web), ["two"]);
  });

  for (const [protocol, padding] of [
    ["tcp", 12_000],
    ["udp", 6_000],
  ] as const) {
    it(`should be able to handle large requests: ${protocol === "tcp" ? "http" : "udp"}`, async () => {
      await serveWeb({}, endpoint(two));
      for (const place of [client, lab.node(1)]) {
        assert.deepEqual(await ask(place, { ...web, protocol, padding }), ["x".repeat(padding)]);
      }
    });
  }

  it("should function for service endpoints using hostNetwork", async () => {
    const host = { address: lab.node(2).address, node: lab.node(2).name };
    await lab.serve(makeService("web", { clusterIP }), makeSlice("web-1", { service: "web", ports: [{ port: 7444 }] }, host));
    // The agent of that node answers, if only to say that it is no tunnel that was asked for.
    const answered = (outcomes: readonly string[]) => outcomes.every((text) => !/^[A-Z]+$/.test(text));
    for (const place of [client, two, lab.node(1), lab.node(2)]) {
      const outcomes = await ask(place, { ...web, tries: 3 });
      assert.ok(answered(outcomes), outcomes.join());
    }
  });

  for (const [name, port] of [
    ["TCP", 8080],
    ["UDP", 8081],
  ] as const) {
    it(`should have session affinity work, switch and time out for service with type clusterIP: ${name}`, async () => {
      const protocol = name === "TCP" ? "tcp" : "udp";
      const ports = { ports: [{ port: 80, protocol: name }] };
      const slice = makeSlice("web-1", { service: "web", ports: [{ protocol: name, port }] }, endpoint(one), endpoint(two));
      const affinity = (timeoutSeconds: number) => ({
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds } },
      });
      const question = { ...web, protocol } as const;
      await lab.serve(makeService("web", { clusterIP, ...ports, spec: affinity(100) }), slice);
      const [first = ""] = await ask(client, question);
      assert.deepEqual(await askForAll(client, question), [first]);
      await lab.serve(makeService("web", { clusterIP, ...ports }), slice);
      assert.deepEqual(await askForAll(client, question), ["one", "two"]);
      await lab.serve(makeService("web", { clusterIP, ...ports, spec: affinity(3) }), slice);
      const [second = ""] = await ask(client, question);
      assert.deepEqual(await askForAll(client, question), [second]);
      // Each question that finds the first pod again renews its claim, so they must lie further apart than that lasts.
      await until(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 3_300));
          return (await ask(client, question))[0] !== second;
        },
        "another pod once the client is forgotten",
        25_000,
      );
    });
  }

  it("forgets a client's pod when that goes, and remembers the next", async () => {
    const spec = { sessionAffinity: "ClientIP" };
    await serveWeb({ spec }, endpoint(one), endpoint(two));
    const [first = ""] = await ask(client, web);
    await serveWeb({ spec }, endpoint(first === "one" ? two : one));
    const other = first === "one" ? "two" : "one";
    assert.deepEqual(await askForAll(client, web), [other]);
    await serveWeb({ spec }, endpoint(one), endpoint(two));
    assert.deepEqual(await askForAll(client, web), [other]);
  });
});
