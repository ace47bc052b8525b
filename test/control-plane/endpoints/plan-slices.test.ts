import assert from "node:assert/strict";
import fc from "fast-check";
import { serviceKind } from "#core/objects/service.ts";
import type { Endpoint, EndpointSlice } from "#proto/podwire/v1/resources.ts";
import { endpointsPerSlice, planSlices } from "../../../control-plane/endpoints/plan-slices.ts";

const service = serviceKind.withDefaults(
  serviceKind.fromJson({ metadata: { name: "web", namespace: "default", uid: "s" }, spec: { ports: [{ port: 80 }] } }),
);

function endpointOf(number: number, ready = true): Endpoint {
  return {
    addresses: [`10.244.${number >> 8}.${number & 255}`],
    conditions: { ready, serving: ready, terminating: false },
    targetRef: { kind: "Pod", uid: `u${number}` },
  };
}

const portsOf = (port: number) => [{ name: "", protocol: "TCP", port }];

interface World {
  readonly slices: readonly EndpointSlice[];
  readonly created: number;
  readonly updated: number;
  readonly removed: number;
}

/** What is there once the plan is carried out. */
function step(slices: readonly EndpointSlice[], endpoints: readonly Endpoint[], port = 8080): World {
  const groups = endpoints.length === 0 ? [] : [{ ports: portsOf(port), endpoints }];
  const { create, update, remove } = planSlices({ service, groups, slices });
  const names = new Map(update.map((slice) => [slice.metadata?.name, slice]));
  const left = slices.filter((slice) => !remove.includes(slice)).map((slice) => names.get(slice.metadata?.name) ?? slice);
  const made = create.map((slice, i) => named(slice, `web-${slices.length}-${i}-${endpoints.length}`));
  return { slices: [...left, ...made], created: create.length, updated: update.length, removed: remove.length };
}

function named(slice: EndpointSlice, name: string): EndpointSlice {
  const { metadata } = slice;
  assert.ok(metadata !== undefined);
  return { ...slice, metadata: { ...metadata, name } };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => endpointOf(from + i));

describe("the plan for a Service's slices", () => {
  it("makes an empty slice where there is no endpoint, and keeps that one", () => {
    const first = step([], []);
    assert.deepEqual([first.slices.length, first.slices[0]?.endpoints], [1, []]);
    const again = step(first.slices, []);
    assert.deepEqual([again.created, again.updated, again.removed], [0, 0, 0]);
  });

  it("puts a hundred endpoints into a slice", () => {
    const { slices } = step([], range(0, 250));
    assert.deepEqual(slices.map(({ endpoints }) => endpoints.length).sort(), [100, 100, 50]);
  });

  it("changes one slice for one endpoint", () => {
    const { slices } = step([], range(0, 250));
    const changed = [...range(0, 120), endpointOf(120, false), ...range(121, 250)];
    const { created, updated, removed } = step(slices, changed);
    assert.deepEqual([created, updated, removed], [0, 1, 0]);
  });

  it("fills the room that others left before it makes a slice", () => {
    const { slices } = step([], range(0, 200));
    const world = step(step(slices, range(5, 200)).slices, [...range(5, 200), ...range(300, 304)]);
    assert.deepEqual([world.created, world.updated, world.slices.length], [0, 1, 2]);
  });

  it("uses the empty slice for the first endpoint, and the last slice stays empty", () => {
    const empty = step([], []);
    const one = step(empty.slices, range(0, 1));
    assert.deepEqual([one.created, one.updated, one.removed], [0, 1, 0]);
    const none = step(one.slices, []);
    assert.deepEqual([none.created, none.updated, none.removed, none.slices[0]?.endpoints], [0, 1, 0, []]);
  });

  it("says to whom slices belong", () => {
    const [slice] = step([], []).slices;
    assert.equal(slice?.metadata?.labels["kubernetes.io/service-name"], "web");
    assert.equal(slice?.metadata?.labels["endpointslice.kubernetes.io/managed-by"], "endpointslice-controller.k8s.io");
    assert.equal(slice?.metadata?.ownerReferences[0]?.uid, "s");
  });

  it("has each endpoint once, whatever comes and goes, and is done after one step", () => {
    const anyStep = fc.record({
      numbers: fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 300 }),
      port: fc.constantFrom(8080, 9090),
    });
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 6 }), (steps) => {
        let slices: readonly EndpointSlice[] = [];
        for (const { numbers, port } of steps) {
          const wanted = numbers.map((number) => endpointOf(number));
          slices = step(slices, wanted, port).slices;
          const uids = slices.flatMap(({ endpoints }) => endpoints.map(({ targetRef }) => targetRef?.uid));
          assert.deepEqual(uids.sort(), wanted.map(({ targetRef }) => targetRef?.uid).sort());
          for (const { endpoints, ports } of slices) {
            assert.ok(endpoints.length <= endpointsPerSlice);
            if (endpoints.length > 0) assert.equal(ports[0]?.port, port);
          }
          const again = step(slices, wanted, port);
          assert.deepEqual([again.created, again.updated, again.removed], [0, 0, 0]);
        }
      }),
      { numRuns: 60 },
    );
  });
});
