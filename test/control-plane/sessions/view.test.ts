import assert from "node:assert/strict";
import fc from "fast-check";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { diffViews, type State, snapshotOf, viewOf } from "../../../control-plane/sessions/view.ts";
import { applyChanges, emptyNodeView } from "../../support/fake-agent-view.ts";

const keyFor = (peer: string) => Buffer.from(peer);

interface PodFacts {
  readonly uid: string;
  readonly node: string;
  readonly ending?: boolean;
  readonly phase?: string;
}

function podOf({ uid, node, ending = false, phase = "Pending" }: PodFacts): Pod {
  return podKind.fromJson({
    metadata: { name: `pod-${uid}`, namespace: "default", uid, ...(ending ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
    spec: { nodeName: node, containers: [] },
    status: { phase },
  });
}

interface NodeFacts {
  readonly name: string;
  readonly podCIDR?: string;
  readonly endpoint?: string;
  readonly address?: string;
}

function stateOf(nodes: readonly NodeFacts[], pods: readonly PodFacts[] = [], revision = 1): State {
  return {
    revision,
    nodes: nodes.map(({ name, podCIDR, endpoint, address }) =>
      nodeKind.fromJson({
        metadata: { name, annotations: endpoint === undefined ? {} : { "podwire.dev/tunnel-endpoint": endpoint } },
        spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
        status: { addresses: address === undefined ? [] : [{ type: "InternalIP", address }] },
      }),
    ),
    podsByNode: Map.groupBy(pods.map(podOf), (pod) => pod.spec?.nodeName ?? ""),
  };
}

const complete = (name: string): NodeFacts => ({
  name,
  podCIDR: `10.244.${name.length}.0/24`,
  endpoint: `${name}:4789`,
  address: "192.168.0.1",
});

describe("a node's view", () => {
  it("holds its own block, its own pods, and its peers with the keys of the pairs", () => {
    const state = stateOf(
      [complete("a"), complete("bb")],
      [
        { uid: "1", node: "a" },
        { uid: "2", node: "bb" },
      ],
    );
    const view = viewOf("a", state, keyFor);
    assert.deepEqual(view.podCidrs, ["10.244.1.0/24"]);
    assert.deepEqual([...view.pods.keys()], ["1"]);
    const peer = {
      name: "bb",
      podCIDRs: ["10.244.2.0/24"],
      nodeAddress: "192.168.0.1",
      tunnelEndpoint: "bb:4789",
      key: keyFor("bb"),
    };
    assert.deepEqual([...view.peers.values()], [peer]);
  });

  for (const missing of ["podCIDR", "endpoint", "address"] as const) {
    it(`leaves out a peer without ${missing}`, () => {
      const state = stateOf([complete("a"), { ...complete("b"), [missing]: undefined }]);
      assert.equal(viewOf("a", state, keyFor).peers.size, 0);
    });
  }

  it("is a snapshot that names the node's own block even where there is none", () => {
    const changes = snapshotOf(viewOf("a", stateOf([{ name: "a" }]), keyFor));
    assert.deepEqual(changes, [{ change: { $case: "self", value: { podCIDRs: [] } } }]);
  });

  it("does not echo a pod's status, but tells that its deletion began", () => {
    const before = viewOf("a", stateOf([], [{ uid: "1", node: "a" }]), keyFor);
    const running = viewOf("a", stateOf([], [{ uid: "1", node: "a", phase: "Running" }]), keyFor);
    const ending = viewOf("a", stateOf([], [{ uid: "1", node: "a", phase: "Running", ending: true }]), keyFor);
    assert.deepEqual(diffViews(before, running), []);
    assert.deepEqual(
      diffViews(running, ending).map(({ change }) => change?.$case),
      ["podPut"],
    );
  });

  it("is what an agent has that was told a snapshot and then each difference, whatever happens in between", () => {
    const name = fc.constantFrom("a", "b", "c");
    const states = fc.array(
      fc.record({
        nodes: fc.uniqueArray(
          fc.record({ name, podCIDR: fc.constantFrom("10.244.1.0/24", undefined), endpoint: fc.constantFrom("x:1", "y:1") }),
          { selector: (node) => node.name },
        ),
        pods: fc.uniqueArray(fc.record({ uid: fc.constantFrom("1", "2", "3"), node: name, ending: fc.boolean() }), {
          selector: (pod) => pod.uid,
        }),
      }),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(states, (steps) => {
        const views = steps.map(({ nodes, pods }) =>
          viewOf(
            "a",
            stateOf(
              nodes.map((node) => ({ ...node, address: "10.0.0.1" })),
              pods,
            ),
            keyFor,
          ),
        );
        let told = emptyNodeView;
        for (const [i, view] of views.entries()) {
          const previous = views[i - 1];
          const changes = previous === undefined ? snapshotOf(view) : diffViews(previous, view);
          told = applyChanges(told, { revision: i, snapshotStart: i === 0, snapshotEnd: i === 0, changes: [...changes] });
          assert.deepEqual(told.podCIDRs, view.podCidrs);
          assert.deepEqual(new Map([...told.peers].sort()), new Map([...view.peers].sort()));
          assert.deepEqual(new Map([...told.pods].sort()), new Map([...view.pods].sort()));
        }
      }),
    );
  });
});
