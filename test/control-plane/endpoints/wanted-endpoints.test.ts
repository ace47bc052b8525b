import assert from "node:assert/strict";
import { podKind } from "#core/objects/pod.ts";
import { serviceKind } from "#core/objects/service.ts";
import type { Pod, Service } from "#proto/podwire/v1/resources.ts";
import { podsByLabel } from "../../../control-plane/endpoints/selected-pods.ts";
import { hasManagedSlices, wantedEndpoints } from "../../../control-plane/endpoints/wanted-endpoints.ts";

interface PodFacts {
  readonly name?: string;
  readonly ip?: string;
  readonly ready?: boolean;
  readonly ending?: boolean;
  readonly phase?: string;
  readonly node?: string;
  readonly spec?: object;
  readonly ports?: readonly object[];
  readonly sidecarPorts?: readonly object[];
}

function podOf(facts: PodFacts = {}): Pod {
  const { name = "web-1", ip = "10.244.0.2", ready = true, ending = false, phase = "Running", node = "node-1" } = facts;
  return podKind.fromJson({
    metadata: {
      ...{ name, namespace: "default", uid: `uid-${name}`, labels: { app: "web" } },
      ...(ending ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: {
      nodeName: node,
      containers: [{ name: "main", ports: facts.ports ?? [] }],
      initContainers: [{ name: "side", restartPolicy: "Always", ports: facts.sidecarPorts ?? [] }],
      ...facts.spec,
    },
    status: { phase, podIP: ip, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  });
}

function serviceOf(spec: object = {}): Service {
  const json = {
    metadata: { name: "web", namespace: "default" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
  };
  return serviceKind.withDefaults(serviceKind.fromJson(json));
}

const zones = new Map([["node-1", "a"]]);

function endpointsOf(pods: readonly Pod[], spec: object = {}) {
  return wantedEndpoints({ service: serviceOf(spec), pods, zones }).flatMap(({ endpoints }) => endpoints);
}

describe("the endpoints of a Service", () => {
  const cases: { title: string; pod: PodFacts; spec?: object; want: object | undefined }[] = [
    { title: "serve where the pod is ready", pod: {}, want: { ready: true, serving: true, terminating: false } },
    { title: "wait for a pod's readiness", pod: { ready: false }, want: { ready: false, serving: false, terminating: false } },
    {
      title: "of a ready pod that ends serve on and are not ready",
      pod: { ending: true },
      want: { ready: false, serving: true, terminating: true },
    },
    {
      title: "of an unready pod that ends serve nobody",
      pod: { ending: true, ready: false },
      want: { ready: false, serving: false, terminating: true },
    },
    {
      title: "are ready where that is published, whatever the pod says",
      pod: { ready: false, ending: true },
      spec: { publishNotReadyAddresses: true },
      want: { ready: true, serving: false, terminating: true },
    },
    {
      title: "are none of a pod that failed",
      pod: { phase: "Failed" },
      spec: { publishNotReadyAddresses: true },
      want: undefined,
    },
    { title: "are none of a pod without an address", pod: { ip: "" }, want: undefined },
  ];
  for (const { title, pod, spec, want } of cases) {
    it(title, () => assert.deepEqual(endpointsOf([podOf(pod)], spec)[0]?.conditions, want));
  }

  it("say where they are, and which pod it is", () => {
    const [endpoint] = endpointsOf([podOf()]);
    assert.deepEqual([endpoint?.nodeName, endpoint?.zone, endpoint?.targetRef?.uid], ["node-1", "a", "uid-web-1"]);
  });

  it("have the pod's host name in the subdomain of their Service, and in no other", () => {
    const inside = podOf({ spec: { hostname: "db-0", subdomain: "web", containers: [{ name: "main" }] } });
    const outside = podOf({ spec: { hostname: "db-0", subdomain: "other", containers: [{ name: "main" }] } });
    assert.deepEqual([endpointsOf([inside])[0]?.hostname, endpointsOf([outside])[0]?.hostname], ["db-0", undefined]);
  });

  for (const { distribution, want } of [
    { distribution: "PreferClose", want: { forZones: [{ name: "a" }], forNodes: [] } },
    { distribution: "PreferSameZone", want: { forZones: [{ name: "a" }], forNodes: [] } },
    { distribution: "PreferSameNode", want: { forZones: [{ name: "a" }], forNodes: [{ name: "node-1" }] } },
  ]) {
    it(`carry the hints of ${distribution}`, () => {
      assert.deepEqual(endpointsOf([podOf()], { trafficDistribution: distribution })[0]?.hints, want);
    });
  }
});

describe("the ports of a Service's endpoints", () => {
  it("are found by name in each pod, and in its sidecars", () => {
    const pods = [
      podOf({ name: "a", ip: "10.244.0.2", ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }] }),
      podOf({ name: "b", ip: "10.244.0.3", sidecarPorts: [{ name: "http", containerPort: 9090, protocol: "TCP" }] }),
      podOf({ name: "c", ip: "10.244.0.4", ports: [{ name: "http", containerPort: 7070, protocol: "UDP" }] }),
    ];
    const groups = wantedEndpoints({ service: serviceOf({ ports: [{ port: 80, targetPort: "http" }] }), pods, zones });
    assert.deepEqual(
      groups.map(({ ports, endpoints }) => [ports.map(({ port }) => port), endpoints.map(({ targetRef }) => targetRef?.name)]),
      [
        [[8080], ["a"]],
        [[9090], ["b"]],
      ],
    );
  });

  it("may be none of a headless Service", () => {
    const [group] = wantedEndpoints({ service: serviceOf({ clusterIP: "None", ports: [] }), pods: [podOf()], zones });
    assert.deepEqual([group?.ports, group?.endpoints.length], [[], 1]);
  });
});

describe("a Service whose slices are kept", () => {
  it("has a selector and an address or none, and is no alias", () => {
    assert.ok(hasManagedSlices(serviceOf()));
    assert.ok(hasManagedSlices(serviceOf({ clusterIP: "None" })));
    assert.ok(!hasManagedSlices(serviceOf({ selector: {} })));
    assert.ok(!hasManagedSlices(serviceOf({ type: "ExternalName", externalName: "a" })));
  });
});

describe("the pods that a selector selects", () => {
  it("have all of its labels and are in its namespace", () => {
    const podWith = (name: string, namespace: string, labels: Record<string, string>) =>
      podKind.fromJson({ metadata: { name, namespace, labels } });
    const index = podsByLabel([
      podWith("a", "x", { app: "web", tier: "front" }),
      podWith("b", "x", { app: "web" }),
      podWith("c", "y", { app: "web", tier: "front" }),
    ]);
    const names = (namespace: string, selector: Record<string, string>) =>
      index.selected(namespace, selector).map(({ metadata }) => metadata?.name);
    assert.deepEqual(names("x", { app: "web" }), ["a", "b"]);
    assert.deepEqual(names("x", { app: "web", tier: "front" }), ["a"]);
    assert.deepEqual(names("z", { app: "web" }), []);
    assert.deepEqual(names("x", {}), []);
  });
});
