import assert from "node:assert/strict";
import { formatProblem } from "#core/objects/problem.ts";
import { readManifest } from "#core/objects/read.ts";

const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: { containers: [{ name: "web", image: "nginx" }] } };

function problemsOf(value: unknown, strict = false): string[] {
  const manifest = readManifest(value, { namespace: "default", strict });
  return manifest.ok ? [] : manifest.problems.map(formatProblem);
}

function read(value: unknown) {
  const manifest = readManifest(value, { namespace: "default", strict: false });
  assert.ok(manifest.ok, manifest.ok ? "" : manifest.problems.map(formatProblem).join("\n"));
  return manifest;
}

describe("readManifest", () => {
  const refused: { value: unknown; want: string[] }[] = [
    { value: undefined, want: ["a manifest must be an object with apiVersion and kind"] },
    { value: "Pod", want: ["a manifest must be an object with apiVersion and kind"] },
    { value: {}, want: ["apiVersion: Required value", "kind: Required value"] },
    { value: { apiVersion: 1, kind: "Pod" }, want: ["apiVersion: Invalid value: must be a string"] },
    { value: { ...pod, kind: "Pood" }, want: ['kind: no matches for kind "Pood" in version "v1": did you mean Pod?'] },
    { value: { ...pod, kind: "pod" }, want: ['kind: no matches for kind "pod" in version "v1": did you mean Pod?'] },
    {
      value: { ...pod, apiVersion: "v2" },
      want: ['apiVersion: no matches for kind "Pod" in version "v2": Pod is in version "v1"'],
    },
    {
      value: { ...pod, kind: "constructor" },
      want: [
        'kind: no matches for kind "constructor" in version "v1": Podwire knows Namespace, Node, Pod, ConfigMap, Secret, Service, EndpointSlice, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, PodDisruptionBudget, HorizontalPodAutoscaler, VerticalPodAutoscaler, NodeGroup, Event',
      ],
    },
    { value: { apiVersion: "v1", kind: "Pod", metadata: { name: "web" } }, want: ["spec.containers: Required value"] },
  ];
  for (const { value, want } of refused) it(`refuses ${JSON.stringify(value)}`, () => assert.deepEqual(problemsOf(value), want));

  it("names wrong types and broken rules in one answer, but nothing twice", () => {
    const value = {
      ...pod,
      metadata: { name: "Web" },
      spec: { containers: [{ name: 7, ports: [{ containerPort: "80" }, { containerPort: 70000 }] }], restartPolicy: "Sometimes" },
    };
    assert.deepEqual(
      problemsOf(value).map((line) => line.split(": ", 2).join(": ")),
      [
        "spec.containers[0].name: Invalid value",
        "spec.containers[0].ports[0].containerPort: Invalid value",
        "metadata.name: Invalid value",
        "spec.containers[0].image: Required value",
        "spec.containers[0].ports[1].containerPort: Invalid value",
        "spec.restartPolicy: Unsupported value",
      ],
    );
  });

  it("does not take a field for a part of another whose name it begins with", () => {
    assert.deepEqual(
      problemsOf({ ...pod, metadata: { name: 5, namespace: "A" } }).map((line) => line.split(":", 1)[0]),
      ["metadata.name", "metadata.namespace"],
    );
  });

  it("says of a manifest that is too big only that", () => {
    const value = { apiVersion: "v1", kind: "Pod", metadata: { annotations: { a: "x".repeat(2 ** 21) }, name: "web" } };
    assert.deepEqual(problemsOf(value), ["Too long: may not be more than 1572864 bytes"]);
  });

  it("gives the object with defaults and without status, and what the manifest itself said", () => {
    const { kind, object, json, warnings } = read({ ...pod, status: { phase: "Running" } });
    assert.equal(kind.kind, "Pod");
    const whole = kind.toJson(object) as { spec: object };
    const { restartPolicy, terminationGracePeriodSeconds, dnsPolicy } = whole.spec as Record<string, unknown>;
    assert.deepEqual(
      { ...whole, spec: undefined },
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "web", namespace: "default" },
        spec: undefined,
      },
    );
    assert.deepEqual([restartPolicy, terminationGracePeriodSeconds, dnsPolicy], ["Always", 30, "ClusterFirst"]);
    assert.deepEqual(json, { ...pod, metadata: { name: "web", namespace: "default" } });
    assert.deepEqual(warnings, []);
  });

  it("leaves the namespace that a manifest names", () => {
    assert.equal(read({ ...pod, metadata: { name: "web", namespace: "blue" } }).object.metadata?.namespace, "blue");
  });

  it("puts no object of the cluster into a namespace", () => {
    const node = read({ apiVersion: "v1", kind: "Node", metadata: { name: "node-1", namespace: "blue" } });
    assert.equal(node.object.metadata?.namespace, undefined);
  });

  it("warns by default and refuses when strict", () => {
    const value = { ...pod, spec: { ...pod.spec, wings: 2, os: { a: 1 } } };
    const want = ['unknown field "spec.wings"', "spec.os: kept, but Podwire does not act on it"];
    assert.deepEqual(read(value).warnings, want);
    assert.deepEqual(problemsOf(value, true), want);
    assert.deepEqual(problemsOf(pod, true), []);
  });

  it("names the unknown fields of a manifest that is refused, which may be why", () => {
    const value = { ...pod, spec: { containers: [{ name: "web", imgae: "nginx", command: ["ls"] }], os: { a: 1 } } };
    assert.deepEqual(problemsOf(value), [
      "spec.containers[0].image: Required value",
      'unknown field "spec.containers[0].imgae", did you mean "image"?',
    ]);
  });

  it("takes a type of Secret that is named as a property which every object has", () => {
    for (const type of ["toString", "constructor", "__proto__"]) {
      assert.deepEqual(problemsOf({ apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, type }), []);
    }
  });

  it("reads again what it gave", () => {
    const { kind, object } = read(pod);
    const again = readManifest(kind.toJson(object), { namespace: "other", strict: true });
    assert.ok(again.ok);
    assert.deepEqual(again.object, object);
  });
});
