/* Node ports, load balancers' addresses and their policies, asked from pods, nodes and a host outside. The sentences are those of
 * Kubernetes' own tests where there is one. */

import assert from "node:assert/strict";
import { type EndpointSketch, makeService, makeSlice } from "../support/service-objects.ts";
import { until } from "../support/until.ts";
import { type LabPod, openServiceLab, type Place, type ServiceLab, startTrio } from "./service-lab.ts";
import { ask, askForAll, type Question, runIn } from "./service-questions.ts";

const clusterIP = "10.96.0.80";
const balancer = "10.97.0.5";
const nodePort = 30_080;
const ending = { ready: false, serving: true, terminating: true };
const local = { externalTrafficPolicy: "Local" };
const protocols = [
  { protocol: "tcp", name: "TCP", port: 8080 },
  { protocol: "udp", name: "UDP", port: 8081 },
] as const;

describe("node ports and load balancers' addresses", () => {
  let lab: ServiceLab;
  let one: LabPod;
  let two: LabPod;
  let client: LabPod;

  before(async () => {
    lab = await openServiceLab({ nodes: 3 });
    [one, two, client] = await startTrio(lab);
    // Somebody has to bring packets for the balancer's address to a node: here node 2 has them.
    await runIn(lab.outside, "ip", "route", "add", `${balancer}/32`, "via", lab.node(2).address);
  });
  after(() => lab[Symbol.asyncDispose]());

  const endpoint = ({ address, node }: LabPod, more: Partial<EndpointSketch> = {}) => ({ address, node: node.name, ...more });
  const serve = ({ name, port }: (typeof protocols)[number], spec: object, ...endpoints: readonly EndpointSketch[]) =>
    lab.serve(
      makeService("web", {
        clusterIP,
        ports: [{ port: 80, protocol: name, nodePort }],
        spec: { type: "NodePort", ...spec },
        ingress: [balancer],
      }),
      makeSlice("web-1", { service: "web", ports: [{ protocol: name, port }] }, ...endpoints),
    );
  const at = (number: number, protocol: "tcp" | "udp" = "tcp"): Question => ({
    protocol,
    host: lab.node(number).address,
    port: nodePort,
  });
  const everywhere = (): readonly Place[] => [client, two, ...lab.nodes, lab.outside];

  for (const kind of protocols) {
    const { protocol, name } = kind;

    it(`should be able to create a functioning NodePort service: ${name}`, async () => {
      await serve(kind, {}, endpoint(one), endpoint(two));
      for (const place of everywhere()) {
        for (const number of [1, 2, 3]) {
          assert.deepEqual(await askForAll(place, at(number, protocol)), ["one", "two"]);
        }
      }
    });

    it(`shows endpoints the node's address, for else they would answer past it: ${name}`, async () => {
      await serve(kind, {}, endpoint(two));
      const seen = async (place: Place, number: number) =>
        (await ask(place, { ...at(number, protocol), request: "clientip" })).map((text) => text.split(":")[0]);
      for (const place of [client, lab.outside, lab.node(3)]) {
        for (const number of [1, 2]) assert.deepEqual(await seen(place, number), [lab.node(number).address]);
      }
    });

    it(`should support externalTrafficPolicy=Local for type=NodePort: ${name}`, async () => {
      await serve(kind, local, endpoint(one), endpoint(two));
      for (const place of [lab.outside, lab.node(3), client]) {
        const seen = await ask(place, { ...at(2, protocol), request: "clientip" });
        assert.deepEqual(
          seen.map((text) => text.split(":")[0]),
          [place.address],
        );
        assert.deepEqual(await askForAll(place, { ...at(2, protocol), tries: 8 }), ["two"]);
      }
      assert.deepEqual(await askForAll(lab.outside, { ...at(1, protocol), tries: 8 }), ["one"]);
      assert.deepEqual(await ask(lab.outside, { ...at(3, protocol), timeoutMs: 300, tries: 3 }), Array(3).fill("TIMEOUT"));
    });

    it(`lets pods and the node itself have any endpoint by their node's port, also with externalTrafficPolicy=Local: ${name}`, async () => {
      await serve(kind, local, endpoint(two));
      assert.deepEqual(await askForAll(client, { ...at(1, protocol), tries: 5 }), ["two"]);
      assert.deepEqual(await askForAll(lab.node(1), { ...at(1, protocol), tries: 5 }), ["two"]);
      const seen = await ask(client, { ...at(1, protocol), request: "clientip" });
      assert.deepEqual(
        seen.map((text) => text.split(":")[0]),
        [client.address],
      );
    });

    it(`should be rejected when no endpoints exist, at node ports too: ${name}`, async () => {
      for (const spec of [{}, local]) {
        await serve(kind, spec);
        for (const place of [client, lab.node(1), lab.outside]) {
          assert.deepEqual(await askForAll(place, { ...at(1, protocol), tries: 5 }), ["ECONNREFUSED"]);
        }
      }
    });

    it(`answers at a load balancer's address on every node: ${name}`, async () => {
      await serve(kind, { type: "LoadBalancer" }, endpoint(one), endpoint(two));
      const question = { protocol, host: balancer, port: 80, tries: 30 } as const;
      for (const place of everywhere()) assert.deepEqual(await askForAll(place, question), ["one", "two"]);
      await serve(kind, { type: "LoadBalancer", ...local }, endpoint(one), endpoint(two));
      // A flow of UDP keeps its endpoint while that serves, and a port of the client's may come again.
      await runIn(lab.node(2), "conntrack", "-F");
      assert.deepEqual(await askForAll(lab.outside, question), ["two"]);
      const seen = await ask(lab.outside, { ...question, tries: 1, request: "clientip" });
      assert.deepEqual(
        seen.map((text) => text.split(":")[0]),
        [lab.outside.address],
      );
      await serve(kind, { type: "LoadBalancer" });
      // Once: of a Service without endpoints flows of UDP stay, and one of many sockets might have the port of one before.
      assert.deepEqual(await askForAll(lab.outside, { ...question, tries: 1 }), ["ECONNREFUSED"]);
    });

    it(`should have session affinity work and switch for NodePort service: ${name}`, async () => {
      await serve(kind, { sessionAffinity: "ClientIP" }, endpoint(one), endpoint(two));
      for (const place of [client, lab.outside]) {
        const [first = ""] = await ask(place, at(1, protocol));
        assert.deepEqual(await askForAll(place, at(1, protocol)), [first]);
      }
      // It is the client and the Service's port that count, and not by which address it came.
      const [first = ""] = await ask(client, at(1, protocol));
      assert.deepEqual(await askForAll(client, { protocol, host: clusterIP, port: 80 }), [first]);
      await serve(kind, {}, endpoint(one), endpoint(two));
      assert.deepEqual(await askForAll(client, at(1, protocol)), ["one", "two"]);
    });
  }

  it("should fallback to terminating endpoints when there are no ready endpoints with externallTrafficPolicy=Cluster", async () => {
    await serve(protocols[0], {}, endpoint(one, { ...ending, serving: false }), endpoint(two, ending));
    assert.deepEqual(await askForAll(lab.outside, { ...at(3), tries: 8 }), ["two"]);
  });

  it("should fallback to local terminating endpoints when there are no ready endpoints with externalTrafficPolicy=Local", async () => {
    await serve(protocols[0], local, endpoint(one), endpoint(two, ending));
    assert.deepEqual(await askForAll(lab.outside, { ...at(2), tries: 8 }), ["two"]);
  });

  it("is closed again when the Service has node ports no more, and never open on localhost", async () => {
    await serve(protocols[0], {}, endpoint(one));
    assert.deepEqual(await ask(lab.node(1), { protocol: "tcp", host: "127.0.0.1", port: nodePort }), ["ECONNREFUSED"]);
    assert.deepEqual(await ask(lab.outside, at(1)), ["one"]);
    await serve(protocols[0], { type: "ClusterIP" }, endpoint(one));
    assert.deepEqual(await ask(lab.outside, at(1)), ["ECONNREFUSED"]);
  });

  it("should fail health check node port if there are only terminating endpoints, or none on the node", async () => {
    const spec = { type: "LoadBalancer", ...local, healthCheckNodePort: 32_000 };
    const health = async (number: number) => {
      const url = `http://${lab.node(number).address}:32000/healthz`;
      const answer = await runIn(
        lab.outside,
        process.execPath,
        "-e",
        `fetch(${JSON.stringify(url)}).then(async (r) => console.log(JSON.stringify([r.status, r.headers.get('x-load-balancing-endpoint-weight'), await r.json()])), (e) => console.log(JSON.stringify(e.cause.code)))`,
      );
      return JSON.parse(answer) as unknown;
    };
    const body = (localEndpoints: number) => ({
      service: { namespace: "default", name: "web" },
      localEndpoints,
      serviceProxyHealthy: true,
    });
    await serve(protocols[0], spec, endpoint(one), endpoint(two, ending));
    assert.deepEqual(await Promise.all([1, 2, 3].map(health)), [
      [200, "1", body(1)],
      [503, "0", body(0)],
      [503, "0", body(0)],
    ]);
    await serve(protocols[0], { type: "LoadBalancer" }, endpoint(one));
    await until(async () => (await health(1)) === "ECONNREFUSED", "the health check's port to close");
  });
});
