/* Services' addresses and ports, through the API as users meet them. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCidr } from "#core/cidr.ts";
import type { ErrorKind } from "#core/errors.ts";
import { serviceKind } from "#core/objects/service.ts";
import { createRng } from "#core/rng.ts";
import type { Service } from "#proto/podwire/v1/resources.ts";
import { claimFor } from "../../../control-plane/ipam/service-claims.ts";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { refusal } from "../../support/refusal.ts";

function manifest(name: string, spec: object = {}): object {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } };
}

async function write(cluster: TestCluster, verb: "create" | "apply" | "update", service: object): Promise<Service> {
  const [result] = await cluster.write(verb, service);
  const object = result?.object?.object;
  assert.equal(object?.$case, "service");
  return object.value as Service;
}

/** Of the error of that kind that it is refused with. */
async function messageOf(kind: ErrorKind, writing: Promise<unknown>): Promise<string> {
  const error = await refusal(writing);
  assert.equal(error.kind, kind);
  return error.message;
}

function rows({ store }: TestCluster, what: string): string[] {
  return store.list(`allocations/${what}/`).entries.map(({ key }) => key.slice(`allocations/${what}/`.length));
}

describe("a Service's address", () => {
  it("comes from the dynamic band, and its row names its owner", async () => {
    await using cluster = await startTestCluster();
    const { spec } = await write(cluster, "create", manifest("web"));
    const [, , third = 0, fourth = 0] = (spec?.clusterIP ?? "").split(".").map(Number);
    assert.ok(third * 256 + fourth > 256, spec?.clusterIP);
    assert.deepEqual(spec?.clusterIPs, [spec?.clusterIP]);
    assert.deepEqual(cluster.store.get(`allocations/clusterIP/${spec?.clusterIP}`)?.value, { owner: "default/web" });
  });

  it("is the one that was asked for where that is free", async () => {
    await using cluster = await startTestCluster();
    assert.equal((await write(cluster, "create", manifest("web", { clusterIP: "10.96.0.77" }))).spec?.clusterIP, "10.96.0.77");
  });

  for (const { clusterIP, why } of [
    { clusterIP: "10.96.0.10", why: /provided IP is already allocated \(by Service kube-system\/kube-dns\)/ },
    { clusterIP: "10.1.2.3", why: /not in the valid range\. The range of valid IPs is 10\.96\.0\.0\/16/ },
    { clusterIP: "10.96.0.0", why: /not in the valid range/ },
    { clusterIP: "10.96.255.255", why: /not in the valid range/ },
  ]) {
    it(`is refused where it is ${clusterIP}, and nothing is half-made`, async () => {
      await using cluster = await startTestCluster();
      const { revision } = cluster.store;
      const message = await messageOf("invalid", cluster.write("create", manifest("web", { clusterIP })));
      assert.match(message, /spec\.clusterIPs: Invalid value/);
      assert.match(message, why);
      assert.equal(cluster.store.revision, revision);
    });
  }

  it("is another for each of many made at once, in one request and in several", async () => {
    await using cluster = await startTestCluster({ serviceCidr: parseCidr("10.96.0.0/24") });
    const names = Array.from({ length: 60 }, (_, i) => `web-${i}`);
    await Promise.all([
      cluster.write(
        "create",
        names.slice(0, 30).map((name) => manifest(name)),
      ),
      ...names.slice(30).map((name) => cluster.write("create", manifest(name))),
    ]);
    assert.equal(rows(cluster, "clusterIP").length, 62);
  });

  it("is refused to the second of two in one request", async () => {
    await using cluster = await startTestCluster();
    const both = [manifest("a", { clusterIP: "10.96.0.77" }), manifest("b", { clusterIP: "10.96.0.77" })];
    assert.match(await messageOf("invalid", cluster.write("create", both)), /Service "b" is invalid.*already allocated/);
  });

  it("can't be had from a full range, which says what to do", async () => {
    await using cluster = await startTestCluster({ serviceCidr: parseCidr("10.96.0.0/28") });
    for (let i = 0; i < 12; i++) await cluster.write("create", manifest(`web-${i}`));
    assert.match(
      await messageOf("exhausted", cluster.write("create", manifest("more"))),
      /range 10\.96\.0\.0\/28 is full: delete/,
    );
    await cluster.delete("Service", "web-3");
    await cluster.write("create", manifest("more"));
  });

  it("is free again when the Service is deleted, with its ports", async () => {
    await using cluster = await startTestCluster();
    const before = rows(cluster, "clusterIP");
    await write(cluster, "create", manifest("web", { type: "NodePort" }));
    assert.equal(rows(cluster, "nodePort").length, 1);
    await cluster.delete("Service", "web");
    assert.deepEqual([rows(cluster, "clusterIP"), rows(cluster, "nodePort")], [before, []]);
  });

  it("stays through changes that don't name it", async () => {
    await using cluster = await startTestCluster();
    const made = await write(cluster, "apply", manifest("web", { type: "NodePort" }));
    const applied = await write(cluster, "apply", manifest("web", { type: "NodePort", selector: { app: "web" } }));
    const replaced = await write(cluster, "update", manifest("web", { type: "NodePort" }));
    for (const { spec } of [applied, replaced]) {
      assert.deepEqual(spec?.clusterIP, made.spec?.clusterIP);
      assert.equal(spec?.ports[0]?.nodePort, made.spec?.ports[0]?.nodePort);
    }
    assert.equal(rows(cluster, "nodePort").length, 1);
  });
});

describe("a node port", () => {
  for (const { nodePort, why } of [
    { nodePort: 80, why: /not in the valid range\. The range of valid ports is 30000-32767/ },
    { nodePort: 30099, why: /provided port is already allocated \(by Service default\/first\)/ },
  ]) {
    it(`is refused where it is ${nodePort}`, async () => {
      await using cluster = await startTestCluster();
      await cluster.write("create", manifest("first", { type: "NodePort", ports: [{ port: 80, nodePort: 30099 }] }));
      const second = manifest("second", { type: "NodePort", ports: [{ port: 80, nodePort }] });
      const message = await messageOf("invalid", cluster.write("create", second));
      assert.match(message, /spec\.ports\[0\]\.nodePort: Invalid value/);
      assert.match(message, why);
    });
  }

  it("is shared by TCP and UDP on one port of a Service", async () => {
    await using cluster = await startTestCluster();
    const ports = [
      { name: "t", port: 53 },
      { name: "u", port: 53, protocol: "UDP" },
      { name: "other", port: 80 },
    ];
    const { spec } = await write(cluster, "create", manifest("dns", { type: "NodePort", ports }));
    const [tcp, udp, other] = spec?.ports.map(({ nodePort }) => nodePort) ?? [];
    assert.equal(tcp, udp);
    assert.notEqual(tcp, other);
    assert.ok((tcp ?? 0) > 30_085, "from the dynamic band");
  });
});

describe("a change of type", () => {
  it("from NodePort to ExternalName gives address and port back, and the way back takes new ones", async () => {
    await using cluster = await startTestCluster();
    await write(cluster, "apply", manifest("web", { type: "NodePort" }));
    const alias = await write(cluster, "apply", manifest("web", { type: "ExternalName", externalName: "example.com" }));
    assert.deepEqual([alias.spec?.clusterIP, rows(cluster, "clusterIP").length, rows(cluster, "nodePort")], [undefined, 2, []]);
    const back = await write(cluster, "apply", manifest("web", { type: "NodePort" }));
    assert.match(back.spec?.clusterIP ?? "", /^10\.96\./);
    assert.equal(back.spec?.externalName, undefined);
  });

  it("to LoadBalancer brings an address from the pool, and away from it takes that back", async () => {
    await using cluster = await startTestCluster();
    const spec = { type: "LoadBalancer", externalTrafficPolicy: "Local" };
    const balanced = await write(cluster, "apply", manifest("web", spec));
    assert.match(balanced.status?.loadBalancer?.ingress[0]?.ip ?? "", /^10\.97\.0\./);
    assert.ok((balanced.spec?.healthCheckNodePort ?? 0) >= 30_000);
    assert.equal(rows(cluster, "nodePort").length, 2);
    const plain = await write(cluster, "apply", manifest("web"));
    assert.deepEqual([plain.status?.loadBalancer?.ingress ?? [], plain.spec?.healthCheckNodePort], [[], undefined]);
    assert.deepEqual([rows(cluster, "loadBalancerIP"), rows(cluster, "nodePort")], [[], []]);
  });
});

describe("the claims of Services", () => {
  const anySpec = fc.record({
    type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
    externalName: fc.constant("a.example"),
    ports: fc.constantFrom(
      [{ port: 80 }],
      [
        { name: "a", port: 80 },
        { name: "b", port: 81, protocol: "UDP" },
      ],
    ),
  });
  const anyStep = fc.record({ name: fc.constantFrom("a", "b", "c", "d"), spec: fc.option(anySpec, { nil: undefined }) });

  it("are the values that Services have, each once, after any changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 20 }), fc.integer(), async (steps, seed) => {
        await using store = openMemoryStore();
        const ranges = { serviceCidr: parseCidr("10.96.0.0/27"), balancerCidr: parseCidr("10.97.0.0/28") };
        const services = new Map<string, Service>();
        const rng = createRng(seed);
        for (const { name, spec } of steps) {
          const previous = services.get(name);
          const json = { metadata: { name, namespace: "default" }, spec };
          const wanted = serviceKind.withDefaults(serviceKind.fromJson(json));
          const next = spec === undefined ? { ...wanted, spec: { ...emptySpec } } : wanted;
          const claim = claimFor(next, previous, { store, ranges, rng, claimed: new Set() });
          assert.ok(!("problems" in claim));
          await store.commit(claim);
          services.set(name, claim.object);
        }
        const held = [...services.values()].flatMap(({ spec, status }) => [
          ...(spec?.clusterIP ? [spec.clusterIP] : []),
          ...new Set([...(spec?.ports ?? []).map(({ nodePort }) => nodePort)].filter((port) => port !== undefined)),
          ...(status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip),
        ]);
        const keys = store.list("allocations/").entries.map(({ key }) => key.split("/").at(-1));
        assert.deepEqual(keys.sort(), held.map(String).sort());
        assert.equal(new Set(keys).size, keys.length);
      }),
      { numRuns: 60 },
    );
  });
});

/** Of a Service that holds nothing. */
const emptySpec = serviceKind.fromJson({ spec: { type: "ExternalName", externalName: "x" } }).spec ?? assert.fail();
