import assert from "node:assert/strict";
import fc from "fast-check";
import { configMapKind } from "#core/objects/config-map.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { secretKind } from "#core/objects/secret.ts";
import type { Change, Changes } from "#proto/podwire/v1/agent.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import { createStateReader, emptyState, nextState, type State } from "../../../control-plane/sessions/state.ts";
import { diffViews, type NodeView, snapshotOf, viewOf } from "../../../control-plane/sessions/view.ts";
import { putObject } from "../../../control-plane/state/objects.ts";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import type { StoreChange, Write } from "../../../control-plane/store/store.ts";
import { applyChanges, emptyNodeView } from "../../support/fake-agent-view.ts";

const keyFor = (peer: string) => Buffer.from(peer);
const viewOfA = (state: State) => viewOf({ nodeName: "a", state });
const toldAtFirst = (view: NodeView) => snapshotOf(view, keyFor);
const toldThen = (before: NodeView, after: NodeView) => diffViews(before, after, keyFor);

interface PodFacts {
  readonly uid: string;
  readonly node: string;
  readonly ending?: boolean;
  readonly phase?: string;
  /** A ConfigMap and a Secret that it names. */
  readonly reads?: string | undefined;
}

function podOf({ uid, node, ending = false, phase = "Pending", reads }: PodFacts): Pod {
  const configMap = { name: "c", configMap: { name: reads } };
  const container = { name: "main", envFrom: [{ secretRef: { name: reads } }] };
  return podKind.fromJson({
    metadata: { name: `pod-${uid}`, namespace: "default", uid, ...(ending ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
    spec: { nodeName: node, ...(reads === undefined ? {} : { volumes: [configMap], containers: [container] }) },
    status: { phase },
  });
}

interface NodeFacts {
  readonly name: string;
  readonly podCIDR?: string;
  readonly endpoint?: string;
  readonly address?: string;
}

function nodeOf({ name, podCIDR, endpoint, address }: NodeFacts): Node {
  return nodeKind.fromJson({
    metadata: { name, annotations: endpoint === undefined ? {} : { "podwire.dev/tunnel-endpoint": endpoint } },
    spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
    status: { addresses: address === undefined ? [] : [{ type: "InternalIP", address }] },
  });
}

function stateOf(nodes: readonly NodeFacts[], pods: readonly PodFacts[] = [], revision = 1): State {
  const writes = [
    ...nodes.map((node) => putObject(nodeKind, nodeOf(node))),
    ...pods.map((pod) => putObject(podKind, podOf(pod))),
  ];
  const changes = writes.map((write): StoreChange => {
    assert.ok(write.type === "put");
    const { key, value } = write;
    return { type: "put", entry: { key, value, createRevision: revision, modRevision: revision }, previous: undefined };
  });
  return nextState(emptyState, changes, revision);
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
    const view = viewOfA(state);
    assert.deepEqual([...view.pods.keys()], ["1"]);
    const peer = {
      name: "bb",
      podCIDRs: ["10.244.2.0/24"],
      nodeAddress: "192.168.0.1",
      tunnelEndpoint: "bb:4789",
      key: keyFor("bb"),
    };
    const told = applyChanges(emptyNodeView, messageOf(toldAtFirst(view)));
    assert.deepEqual(told.podCIDRs, ["10.244.1.0/24"]);
    assert.deepEqual([...told.peers.values()], [peer]);
  });

  for (const missing of ["podCIDR", "endpoint", "address"] as const) {
    it(`leaves out a peer without ${missing}`, () => {
      const state = stateOf([complete("a"), { ...complete("b"), [missing]: undefined }]);
      assert.equal(applyChanges(emptyNodeView, messageOf(toldAtFirst(viewOfA(state)))).peers.size, 0);
    });
  }

  it("is a snapshot that names the node's own block even where there is none", () => {
    const changes = toldAtFirst(viewOfA(stateOf([{ name: "a" }])));
    assert.deepEqual(changes, [{ change: { $case: "self", value: { podCIDRs: [], zone: "" } } }]);
  });

  it("does not echo a pod's status, but tells that its deletion began", () => {
    const before = viewOfA(stateOf([], [{ uid: "1", node: "a" }]));
    const running = viewOfA(stateOf([], [{ uid: "1", node: "a", phase: "Running" }]));
    const ending = viewOfA(stateOf([], [{ uid: "1", node: "a", phase: "Running", ending: true }]));
    assert.deepEqual(toldThen(before, running), []);
    assert.deepEqual(
      toldThen(running, ending).map(({ change }) => change?.$case),
      ["podPut"],
    );
  });

  it("holds the ConfigMaps and Secrets that its pods name, told before the pods, and no others", async () => {
    await using store = openMemoryStore();
    const facts: Fact[] = [
      ...(["x", "y"] as const).flatMap((name): Fact[] => [
        { $case: "configMap", name, text: "1" },
        { $case: "secret", name, text: "1" },
      ]),
      { $case: "pod", uid: "1", node: "a", reads: "x" },
      { $case: "pod", uid: "2", node: "b", reads: "y" },
    ];
    await store.commit({ checks: [], writes: facts.map(writeOf) });
    const before = viewOfA(createStateReader(store)());
    assert.deepEqual([[...before.configMaps.keys()], [...before.secrets.keys()]], [["default/x"], ["default/x"]]);
    assert.deepEqual(
      toldAtFirst(before).map(({ change }) => change?.$case),
      ["self", "configMapPut", "secretPut", "podPut"],
    );
    await store.commit({ checks: [], writes: [{ type: "delete", key: "pods/default/pod-1" }] });
    assert.deepEqual(toldThen(before, viewOfA(createStateReader(store)())), [
      { change: { $case: "podRemoved", value: "1" } },
      { change: { $case: "configMapRemoved", value: "default/x" } },
      { change: { $case: "secretRemoved", value: "default/x" } },
    ]);
  });

  it("is what an agent has that was told a snapshot and then each difference, whatever happens in between", async () => {
    const name = fc.constantFrom("a", "b", "c");
    const node = fc.record({
      $case: fc.constant("node" as const),
      name,
      podCIDR: fc.constantFrom("10.244.1.0/24", undefined),
      endpoint: fc.constantFrom("x:1", "y:1"),
      address: fc.constant("10.0.0.1"),
    });
    const pod = fc.record({
      $case: fc.constant("pod" as const),
      uid: fc.constantFrom("1", "2", "3"),
      node: name,
      ending: fc.boolean(),
      phase: fc.constantFrom("Pending", "Running"),
      reads: fc.constantFrom("x", "y", undefined),
    });
    const data = fc.record({
      $case: fc.constantFrom("configMap" as const, "secret" as const),
      name: fc.constantFrom("x", "y", "z"),
      text: fc.constantFrom("1", "2"),
    });
    const removal = fc.record({
      $case: fc.constant("removal" as const),
      key: fc.constantFrom("nodes/a", "nodes/b", "pods/default/pod-1", "configmaps/default/x", "secrets/default/y"),
    });
    const steps = fc.array(fc.array(fc.oneof(node, pod, data, removal), { maxLength: 3 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(steps, async (commits) => {
        await using store = openMemoryStore();
        const read = createStateReader(store);
        let told = emptyNodeView;
        let sent: { state: State; view: NodeView } | undefined;
        for (const facts of commits) {
          for (const fact of facts) await store.commit({ checks: [], writes: [writeOf(fact)] });
          const state = read();
          const view = viewOf({ nodeName: "a", state, before: sent });
          const changes = sent === undefined ? toldAtFirst(view) : toldThen(sent.view, view);
          const first = sent === undefined;
          told = applyChanges(told, {
            revision: state.revision,
            snapshotStart: first,
            snapshotEnd: first,
            changes: [...changes],
          });
          sent = { state, view };
          const fresh = viewOfA(createStateReader(store)());
          const anew = applyChanges(emptyNodeView, messageOf(toldAtFirst(fresh)));
          assert.deepEqual(told.podCIDRs, anew.podCIDRs);
          assert.deepEqual(new Map([...told.peers].sort()), new Map([...anew.peers].sort()));
          assert.deepEqual(shown(told.pods), shown(fresh.pods));
          assert.deepEqual(new Map([...told.configMaps].sort()), new Map([...fresh.configMaps].sort()));
          assert.deepEqual(new Map([...told.secrets].sort()), new Map([...fresh.secrets].sort()));
        }
      }),
    );
  });
});

function messageOf(changes: readonly Change[]): Changes {
  return { revision: 1, snapshotStart: true, snapshotEnd: true, changes: [...changes] };
}

type Fact =
  | ({ readonly $case: "node" } & NodeFacts)
  | ({ readonly $case: "pod" } & PodFacts)
  | { readonly $case: "configMap" | "secret"; readonly name: string; readonly text: string }
  | { readonly $case: "removal"; readonly key: string };

function writeOf(fact: Fact): Write {
  switch (fact.$case) {
    case "node":
      return putObject(nodeKind, nodeOf(fact));
    case "pod":
      return putObject(podKind, podOf(fact));
    case "configMap":
      return putObject(configMapKind, configMapKind.fromJson({ metadata: metadataOf(fact.name), data: { a: fact.text } }));
    case "secret":
      return putObject(secretKind, secretKind.fromJson({ metadata: metadataOf(fact.name), data: { a: fact.text } }));
    case "removal":
      return { type: "delete", key: fact.key };
  }
}

function metadataOf(name: string) {
  return { name, namespace: "default" };
}

/** All of a pod but its status and version, of which no node is told. */
function shown(pods: ReadonlyMap<string, Pod>) {
  return [...pods].sort().map(([, { metadata, spec }]) => ({ spec, metadata: { ...metadata, resourceVersion: "" } }));
}
