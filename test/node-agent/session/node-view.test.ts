import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import type { Change, Changes } from "#proto/podwire/v1/agent.ts";
import { Pod } from "#proto/podwire/v1/resources.ts";
import { createViewBuilder, type NodeView } from "../../../node-agent/session/node-view.ts";

const key = Buffer.alloc(32, 7);
const peer = (number: number, address = `192.168.0.${number}`): Change["change"] => ({
  $case: "peerPut",
  value: {
    name: `node-${number}`,
    podCIDRs: [`10.244.${number}.0/24`],
    nodeAddress: address,
    tunnelEndpoint: `${address}:7444`,
    key,
  },
});
const pod = (uid: string, name = uid): Change["change"] => ({
  $case: "podPut",
  value: Pod.fromJSON({ metadata: { uid, name } }),
});
const self = (...podCIDRs: string[]): Change["change"] => ({ $case: "self", value: { podCIDRs, zone: "" } });

function message(changes: readonly Change["change"][], more: Partial<Changes> = {}): Changes {
  return { revision: 1, snapshotStart: false, snapshotEnd: false, changes: changes.map((change) => ({ change })), ...more };
}
const snapshot = { snapshotStart: true, snapshotEnd: true };

/** What can be compared. */
function plain(view: NodeView | undefined) {
  if (view === undefined) return undefined;
  return {
    ...view,
    peers: Object.fromEntries(view.peers),
    pods: Object.fromEntries(view.pods),
    configMaps: Object.fromEntries(view.configMaps),
    secrets: Object.fromEntries(view.secrets),
    services: Object.fromEntries(view.services),
    endpointSlices: Object.fromEntries(view.endpointSlices),
  };
}

describe("the view of a node", () => {
  it("is what a snapshot says", () => {
    const view = createViewBuilder().apply(message([self("10.244.1.0/24"), peer(2), pod("u1")], { ...snapshot, revision: 9 }));
    assert.deepEqual(plain(view), {
      revision: 9,
      podCidrs: [parseCidr("10.244.1.0/24")],
      zone: "",
      services: {},
      endpointSlices: {},
      peers: {
        "node-2": {
          name: "node-2",
          podCidrs: [parseCidr("10.244.2.0/24")],
          nodeAddress: parseIpv4("192.168.0.2"),
          endpoint: "192.168.0.2:7444",
          key,
        },
      },
      pods: { u1: Pod.fromJSON({ metadata: { uid: "u1", name: "u1" } }) },
      configMaps: {},
      secrets: {},
    });
  });

  it("forgets all that a later snapshot doesn't name", () => {
    const builder = createViewBuilder();
    builder.apply(message([self("10.244.1.0/24"), peer(2), pod("u1")], snapshot));
    const view = builder.apply(message([peer(3)], snapshot));
    assert.deepEqual([view?.podCidrs, [...(view?.peers.keys() ?? [])], [...(view?.pods.keys() ?? [])]], [[], ["node-3"], []]);
  });

  it("takes changes one by one: put, replaced, removed", () => {
    const builder = createViewBuilder();
    builder.apply(message([peer(2), pod("u1")], snapshot));
    const view = builder.apply(
      message([
        peer(2, "192.168.0.99"),
        pod("u2"),
        { $case: "podRemoved", value: "u1" },
        { $case: "peerRemoved", value: "nobody" },
      ]),
    );
    assert.equal(view?.peers.get("node-2")?.endpoint, "192.168.0.99:7444");
    assert.deepEqual([...(view?.pods.keys() ?? [])], ["u2"]);
  });

  it("overlooks a change of a kind that it doesn't know", () => {
    assert.deepEqual(createViewBuilder().apply(message([undefined, pod("u1")], snapshot))?.pods.size, 1);
  });

  it("doesn't change a view that it gave", () => {
    const builder = createViewBuilder();
    const first = builder.apply(message([pod("u1")], snapshot));
    builder.apply(message([pod("u2"), { $case: "podRemoved", value: "u1" }]));
    assert.deepEqual([...(first?.pods.keys() ?? [])], ["u1"]);
  });

  const anyChange = fc.oneof(
    fc.integer({ min: 2, max: 5 }).map((number) => peer(number)),
    fc.integer({ min: 2, max: 5 }).map((number): Change["change"] => ({ $case: "peerRemoved", value: `node-${number}` })),
    fc.tuple(fc.constantFrom("u1", "u2", "u3"), fc.constantFrom("a", "b")).map(([uid, name]) => pod(uid, name)),
    fc.constantFrom("u1", "u2", "u3").map((uid): Change["change"] => ({ $case: "podRemoved", value: uid })),
    fc.constantFrom([], ["10.244.1.0/24"], ["10.244.1.0/24", "10.244.9.0/24"]).map((cidrs) => self(...cidrs)),
  );
  const anySplit = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 12, maxLength: 12 });

  it("is the same however the messages of a snapshot are split, and stands only after the last", () => {
    fc.assert(
      fc.property(
        fc.array(anyChange, { maxLength: 12 }),
        anySplit,
        fc.array(anyChange, { maxLength: 3 }),
        (changes, sizes, before) => {
          const whole = createViewBuilder().apply(message(changes, { ...snapshot, revision: 5 }));
          const builder = createViewBuilder();
          builder.apply(message(before, snapshot));
          const parts = split(changes, sizes);
          const views = parts.map((part, i) =>
            builder.apply(message(part, { revision: 5, snapshotStart: i === 0, snapshotEnd: i === parts.length - 1 })),
          );
          assert.deepEqual(plain(views.at(-1)), plain(whole));
          assert.ok(views.slice(0, -1).every((view) => view === undefined));
        },
      ),
    );
  });

  it("is the same whether changes come in a snapshot or after it, in one message or many", () => {
    fc.assert(
      fc.property(fc.array(anyChange, { maxLength: 12 }), anySplit, (changes, sizes) => {
        const whole = createViewBuilder().apply(message(changes, snapshot));
        const builder = createViewBuilder();
        let view = builder.apply(message([], snapshot));
        for (const part of split(changes, sizes)) view = builder.apply(message(part));
        assert.deepEqual(plain(view), plain(whole));
      }),
    );
  });

  it("begins anew with a snapshot that begins before the last one ended", () => {
    const builder = createViewBuilder();
    builder.apply(message([pod("u1")], { snapshotStart: true }));
    const view = builder.apply(message([pod("u2")], snapshot));
    assert.deepEqual([...(view?.pods.keys() ?? [])], ["u2"]);
  });
});

/** Pieces of these sizes, at least one. */
function split<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  const parts: T[][] = [];
  let at = 0;
  for (const size of sizes) {
    if (at >= items.length) break;
    parts.push(items.slice(at, at + size));
    at += size;
  }
  return parts.length === 0 ? [[]] : parts;
}
