/* What one node must know, and how that changed: pure functions of the sessions' State. A session holds the view that it sent last and
 * sends the difference to the present one, so a slow agent gets fewer, larger steps and never an old one. */

import { isDeepStrictEqual } from "node:util";
import type { ApiObject } from "#core/objects/kind.ts";
import { referencesOf } from "#core/objects/references.ts";
import type { Change } from "#proto/podwire/v1/agent.ts";
import type { ConfigMap, EndpointSlice, Pod, Secret, Service } from "#proto/podwire/v1/resources.ts";
import { emptyState, type NodeFacts, type PeerFacts, type State } from "./state.ts";

export interface NodeView {
  readonly nodeName: string;
  /** All of the cluster, by name: the others are its peers. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** By uid. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** Those that the pods name, and no others; by namespace/name. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** All of the cluster, by namespace/name: any node may be asked for any of them. */
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
}

/** Gives the tunnel key that a node shares with the named peer. */
export type KeyFor = (peer: string) => Buffer;

const noPods: ReadonlyMap<string, Pod> = new Map();
const nowhere: NodeFacts = { podCidrs: [], zone: "", peer: undefined };

export interface ViewInput {
  readonly nodeName: string;
  readonly state: State;
  /** What the same node saw before, to take over what has not changed. */
  readonly before?: { readonly state: State; readonly view: NodeView } | undefined;
}

export function viewOf({ nodeName, state, before }: ViewInput): NodeView {
  const { nodes, services, endpointSlices } = state;
  const pods = state.podsByNode.get(nodeName) ?? noPods;
  const { configMaps, secrets } = dataOf(pods, state, before);
  return { nodeName, nodes, pods, configMaps, secrets, services, endpointSlices };
}

/** What the pods name. */
function dataOf(pods: NodeView["pods"], state: State, before: ViewInput["before"]): Pick<NodeView, "configMaps" | "secrets"> {
  const isSame =
    before?.view.pods === pods && before.state.configMaps === state.configMaps && before.state.secrets === state.secrets;
  if (isSame) return before.view;
  const named = { configMaps: new Set<string>(), secrets: new Set<string>() };
  for (const pod of pods.values()) {
    const { configMaps, secrets } = referencesOf(pod);
    for (const name of configMaps) named.configMaps.add(`${pod.metadata?.namespace}/${name}`);
    for (const name of secrets) named.secrets.add(`${pod.metadata?.namespace}/${name}`);
  }
  return {
    configMaps: amongNamed(state.configMaps, named.configMaps),
    secrets: amongNamed(state.secrets, named.secrets),
  };
}

function amongNamed<T extends ApiObject>(objects: ReadonlyMap<string, T>, names: ReadonlySet<string>): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const name of names) {
    const object = objects.get(name);
    if (object !== undefined) found.set(name, object);
  }
  return found;
}

/** Removals first, so that an address that moved is never in two places; then the node's own block, which pods need. */
export function diffViews(before: NodeView, after: NodeView, keyFor: KeyFor): readonly Change[] {
  const changes: Change[] = [];
  if (before.pods !== after.pods) {
    for (const uid of before.pods.keys()) {
      if (!after.pods.has(uid)) changes.push({ change: { $case: "podRemoved", value: uid } });
    }
  }
  if (before.nodes !== after.nodes) addNodeChanges(changes, before, after, keyFor);
  changes.push(...dataPuts(before, after));
  if (before.pods !== after.pods) {
    for (const [uid, pod] of after.pods) {
      const old = before.pods.get(uid);
      if (old === undefined || !sameForAgent(old, pod)) changes.push({ change: { $case: "podPut", value: pod } });
    }
  }
  changes.push(...dataRemovals(before, after), ...serviceChanges(before, after));
  return changes;
}

function addNodeChanges(changes: Change[], before: NodeView, after: NodeView, keyFor: KeyFor): void {
  const { nodeName } = after;
  const { put, removed } = peerChanges(before.nodes, after.nodes);
  for (const name of removed) if (name !== nodeName) changes.push({ change: { $case: "peerRemoved", value: name } });
  const [old, now] = [selfOf(before), selfOf(after)];
  if (now.zone !== old.zone || !isDeepStrictEqual(old.podCidrs, now.podCidrs)) changes.push(selfChange(now));
  for (const { name, podCIDRs, nodeAddress, tunnelEndpoint } of put) {
    if (name === nodeName) continue;
    const value = { name, podCIDRs, nodeAddress, tunnelEndpoint, key: keyFor(name) };
    changes.push({ change: { $case: "peerPut", value } });
  }
}

interface PeerChanges {
  readonly put: readonly PeerFacts[];
  readonly removed: readonly string[];
}

type Nodes = NodeView["nodes"];
/** By the state of the nodes before: most sessions saw the same and see the same now, and each of them has a thousand peers. */
const latestPeerChanges = new WeakMap<Nodes, { readonly after: Nodes; readonly changes: PeerChanges }>();

function peerChanges(before: Nodes, after: Nodes): PeerChanges {
  const known = latestPeerChanges.get(before);
  if (known?.after === after) return known.changes;
  const put: PeerFacts[] = [];
  const removed: string[] = [];
  for (const [name, { peer }] of before) if (peer !== undefined && after.get(name)?.peer === undefined) removed.push(name);
  for (const [name, { peer }] of after) if (peer !== undefined && before.get(name)?.peer !== peer) put.push(peer);
  const changes = { put, removed };
  latestPeerChanges.set(before, { after, changes });
  return changes;
}

/** A Service before its slices where they come, after them where they go. */
function* serviceChanges(before: NodeView, after: NodeView): Generator<Change> {
  if (before.services !== after.services) {
    for (const [path, value] of after.services) {
      if (before.services.get(path) !== value) yield { change: { $case: "servicePut", value } };
    }
  }
  if (before.endpointSlices !== after.endpointSlices) {
    for (const [path, value] of after.endpointSlices) {
      if (before.endpointSlices.get(path) !== value) yield { change: { $case: "endpointSlicePut", value } };
    }
    for (const value of before.endpointSlices.keys()) {
      if (!after.endpointSlices.has(value)) yield { change: { $case: "endpointSliceRemoved", value } };
    }
  }
  if (before.services !== after.services) {
    for (const value of before.services.keys()) {
      if (!after.services.has(value)) yield { change: { $case: "serviceRemoved", value } };
    }
  }
}

/** Before the pods that name them. */
function* dataPuts(before: NodeView, after: NodeView): Generator<Change> {
  for (const [path, value] of after.configMaps) {
    if (before.configMaps.get(path) !== value) yield { change: { $case: "configMapPut", value } };
  }
  for (const [path, value] of after.secrets) {
    if (before.secrets.get(path) !== value) yield { change: { $case: "secretPut", value } };
  }
}

function* dataRemovals(before: NodeView, after: NodeView): Generator<Change> {
  for (const value of before.configMaps.keys()) {
    if (!after.configMaps.has(value)) yield { change: { $case: "configMapRemoved", value } };
  }
  for (const value of before.secrets.keys()) {
    if (!after.secrets.has(value)) yield { change: { $case: "secretRemoved", value } };
  }
}

/** A snapshot names the node's own block even where there is none. */
export function snapshotOf(view: NodeView, keyFor: KeyFor): readonly Change[] {
  const nothing = viewOf({ nodeName: view.nodeName, state: emptyState });
  const changes = diffViews(nothing, view, keyFor);
  const self = selfOf(view);
  return self.podCidrs.length > 0 || self.zone !== "" ? changes : [selfChange(self), ...changes];
}

function selfOf({ nodes, nodeName }: NodeView): NodeFacts {
  return nodes.get(nodeName) ?? nowhere;
}

function selfChange({ podCidrs, zone }: NodeFacts): Change {
  return { change: { $case: "self", value: { podCIDRs: [...podCidrs], zone } } };
}

/** The agent wrote the status itself: an echo of it would be work for nothing. */
function sameForAgent(a: Pod, b: Pod): boolean {
  if (a === b) return true;
  return isDeepStrictEqual(a.spec, b.spec) && isDeepStrictEqual(withoutVersion(a), withoutVersion(b));
}

function withoutVersion(pod: Pod) {
  return { ...pod.metadata, resourceVersion: undefined };
}
