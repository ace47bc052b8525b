/* What one node must know, and how that changed: pure functions of the store's state. A session holds the view that it sent last and
 * sends the difference to the present one, so a slow agent gets fewer, larger steps and never an old one. */

import { isDeepStrictEqual } from "node:util";
import { configMapKind } from "#core/objects/config-map.ts";
import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { referencesOf } from "#core/objects/references.ts";
import { secretKind } from "#core/objects/secret.ts";
import { serviceKind } from "#core/objects/service.ts";
import { zoneLabel } from "#core/services/labels.ts";
import type { Change, Peer } from "#proto/podwire/v1/agent.ts";
import type { ConfigMap, EndpointSlice, Node, Pod, Secret, Service } from "#proto/podwire/v1/resources.ts";
import { listObjects, nameOf } from "../state/objects.ts";
import type { Store } from "../store/store.ts";

export const tunnelEndpointAnnotation = "podwire.dev/tunnel-endpoint";

export interface State {
  readonly revision: number;
  readonly nodes: readonly Node[];
  readonly podsByNode: ReadonlyMap<string, readonly Pod[]>;
  readonly configMaps: readonly ConfigMap[];
  readonly secrets: readonly Secret[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
}

export interface NodeView {
  readonly podCidrs: readonly string[];
  /** "" where it has none. */
  readonly zone: string;
  /** By name. */
  readonly peers: ReadonlyMap<string, Peer>;
  /** By uid. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** Those that the pods name, and no others; by namespace/name. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** All of the cluster, by namespace/name: any node may be asked for any of them. */
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
}

const emptyView: NodeView = {
  podCidrs: [],
  zone: "",
  peers: new Map(),
  pods: new Map(),
  configMaps: new Map(),
  secrets: new Map(),
  services: new Map(),
  endpointSlices: new Map(),
};

/**
 * The present state; made once for each revision, however many sessions ask. Lists in which nothing changed are the same lists as
 * before, so that a session sees at a glance that a change was not for it.
 */
export function createStateReader(store: Store): () => State {
  let known: State | undefined;
  return () => {
    if (known?.revision !== store.revision) known = readState(store, known);
    return known;
  };
}

function readState(store: Store, before: State | undefined): State {
  const pods = listObjects(store, podKind).map(({ object }) => object);
  const podsByNode: Map<string, readonly Pod[]> = Map.groupBy(pods, (pod) => pod.spec?.nodeName ?? "");
  for (const [node, list] of podsByNode) podsByNode.set(node, sameOr(before?.podsByNode.get(node), list));
  const list = <T extends ApiObject>(kind: Kind<T>, known: readonly T[] | undefined) =>
    sameOr(
      known,
      listObjects(store, kind).map(({ object }) => object),
    );
  return {
    revision: store.revision,
    nodes: list(nodeKind, before?.nodes),
    podsByNode,
    configMaps: list(configMapKind, before?.configMaps),
    secrets: list(secretKind, before?.secrets),
    services: list(serviceKind, before?.services),
    endpointSlices: list(endpointSliceKind, before?.endpointSlices),
  };
}

function sameOr<T, L extends readonly T[]>(before: L | undefined, now: L): L {
  return before !== undefined && before.length === now.length && now.every((item, i) => item === before[i]) ? before : now;
}

export interface ViewInput {
  readonly nodeName: string;
  readonly state: State;
  /** Gives the tunnel key that this node shares with the named peer. */
  readonly keyFor: (peer: string) => Buffer;
  /** What the same node saw before, to take over what has not changed. */
  readonly before?: { readonly state: State; readonly view: NodeView } | undefined;
}

export function viewOf({ nodeName, state, keyFor, before }: ViewInput): NodeView {
  return {
    ...peersView({ nodeName, state, keyFor, before }),
    ...podsView({ nodeName, state, before }),
    services: byPath(state.services),
    endpointSlices: byPath(state.endpointSlices),
  };
}

function peersView({ nodeName, state, keyFor, before }: ViewInput): Pick<NodeView, "podCidrs" | "zone" | "peers"> {
  if (before?.state.nodes === state.nodes) {
    const { podCidrs, zone, peers } = before.view;
    return { podCidrs, zone, peers };
  }
  const self = state.nodes.find((node) => nameOf(node) === nodeName);
  const peers = state.nodes.filter((node) => node !== self).flatMap((node) => peerOf(node, keyFor));
  return {
    podCidrs: self?.spec?.podCIDRs ?? [],
    zone: self?.metadata?.labels[zoneLabel] ?? "",
    peers: new Map(peers.map((peer) => [peer.name, peer])),
  };
}

function podsView({ nodeName, state, before }: Omit<ViewInput, "keyFor">): Pick<NodeView, "pods" | "configMaps" | "secrets"> {
  const pods = state.podsByNode.get(nodeName) ?? [];
  const samePods = before !== undefined && before.state.podsByNode.get(nodeName) === state.podsByNode.get(nodeName);
  if (samePods && before.state.configMaps === state.configMaps && before.state.secrets === state.secrets) {
    const { configMaps, secrets } = before.view;
    return { pods: before.view.pods, configMaps, secrets };
  }
  const named = { configMaps: new Set<string>(), secrets: new Set<string>() };
  for (const pod of pods) {
    const { configMaps, secrets } = referencesOf(pod);
    for (const name of configMaps) named.configMaps.add(`${pod.metadata?.namespace}/${name}`);
    for (const name of secrets) named.secrets.add(`${pod.metadata?.namespace}/${name}`);
  }
  return {
    pods: samePods ? before.view.pods : new Map(pods.map((pod) => [pod.metadata?.uid ?? "", pod])),
    configMaps: amongNamed(state.configMaps, named.configMaps),
    secrets: amongNamed(state.secrets, named.secrets),
  };
}

function amongNamed<T extends ApiObject>(objects: readonly T[], names: ReadonlySet<string>): ReadonlyMap<string, T> {
  if (names.size === 0) return new Map();
  return new Map(objects.map((object) => [pathOf(object), object] as const).filter(([path]) => names.has(path)));
}

/** Made once for each list, which all sessions have in common. */
const maps = new WeakMap<readonly ApiObject[], ReadonlyMap<string, ApiObject>>();

function byPath<T extends ApiObject>(list: readonly T[]): ReadonlyMap<string, T> {
  const known = maps.get(list);
  if (known !== undefined) return known as ReadonlyMap<string, T>;
  const made = new Map(list.map((object) => [pathOf(object), object]));
  maps.set(list, made);
  return made;
}

/** namespace/name */
function pathOf({ metadata }: ApiObject): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

/** A peer has all that a tunnel needs, whether it is Ready or not: tunnels outlive a silent control plane. */
function peerOf(node: Node, keyFor: (peer: string) => Buffer): Peer[] {
  const name = nameOf(node);
  const podCIDRs = node.spec?.podCIDRs ?? [];
  const nodeAddress = node.status?.addresses.find(({ type }) => type === "InternalIP")?.address ?? "";
  const tunnelEndpoint = node.metadata?.annotations[tunnelEndpointAnnotation] ?? "";
  if (podCIDRs.length === 0 || nodeAddress === "" || tunnelEndpoint === "") return [];
  return [{ name, podCIDRs, nodeAddress, tunnelEndpoint, key: keyFor(name) }];
}

/** Removals first, so that an address that moved is never in two places; then the node's own block, which pods need. */
export function diffViews(before: NodeView, after: NodeView): readonly Change[] {
  const changes: Change[] = [];
  if (before.pods !== after.pods) {
    for (const uid of before.pods.keys()) {
      if (!after.pods.has(uid)) changes.push({ change: { $case: "podRemoved", value: uid } });
    }
  }
  if (before.peers !== after.peers) {
    for (const name of before.peers.keys()) {
      if (!after.peers.has(name)) changes.push({ change: { $case: "peerRemoved", value: name } });
    }
    if (after.zone !== before.zone || !isDeepStrictEqual(before.podCidrs, after.podCidrs)) changes.push(selfChange(after));
    for (const peer of after.peers.values()) {
      if (!isDeepStrictEqual(before.peers.get(peer.name), peer)) changes.push({ change: { $case: "peerPut", value: peer } });
    }
  }
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
export function snapshotOf(view: NodeView): readonly Change[] {
  const changes = diffViews(emptyView, view);
  return view.podCidrs.length > 0 ? changes : [selfChange(view), ...changes];
}

function selfChange(view: NodeView): Change {
  return { change: { $case: "self", value: { podCIDRs: [...view.podCidrs], zone: view.zone } } };
}

/** The agent wrote the status itself: an echo of it would be work for nothing. */
function sameForAgent(a: Pod, b: Pod): boolean {
  if (a === b) return true;
  return isDeepStrictEqual(a.spec, b.spec) && isDeepStrictEqual(withoutVersion(a), withoutVersion(b));
}

function withoutVersion(pod: Pod) {
  return { ...pod.metadata, resourceVersion: undefined };
}
