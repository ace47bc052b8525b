/* What sessions read of the store. A State never changes: the next one is made of the one before and of what was written since, and what
 * nobody wrote is the same Map as before. So a session sees at a glance that a change was not for it, and a thousand of them read a change
 * of one pod at the price of that pod. */

import { isDeepStrictEqual } from "node:util";
import { configMapKind } from "#core/objects/config-map.ts";
import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { secretKind } from "#core/objects/secret.ts";
import { serviceKind } from "#core/objects/service.ts";
import { zoneLabel } from "#core/services/labels.ts";
import type { Peer } from "#proto/podwire/v1/agent.ts";
import type { ConfigMap, EndpointSlice, Node, Pod, Secret, Service } from "#proto/podwire/v1/resources.ts";
import { nameOf, objectOf, prefixOf } from "../state/objects.ts";
import { keyOfChange, type Store, type StoreChange } from "../store/store.ts";

export const tunnelEndpointAnnotation = "podwire.dev/tunnel-endpoint";

/** What other nodes must know of a node for a tunnel, but for the key, which is each pair's own. */
export type PeerFacts = Omit<Peer, "key">;

export interface NodeFacts {
  readonly podCidrs: readonly string[];
  /** "" where it has none. */
  readonly zone: string;
  /** Undefined while something that a tunnel needs is missing. */
  readonly peer: PeerFacts | undefined;
}

export interface State {
  readonly revision: number;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** By the node's name, then by uid. */
  readonly podsByNode: ReadonlyMap<string, ReadonlyMap<string, Pod>>;
  /** These by namespace/name. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
}

export const emptyState: State = {
  revision: 0,
  nodes: new Map(),
  podsByNode: new Map(),
  configMaps: new Map(),
  secrets: new Map(),
  services: new Map(),
  endpointSlices: new Map(),
};

/** The present state; made once for each revision, however many sessions ask. */
export function createStateReader(store: Store): () => State {
  let known: State | undefined;
  return () => {
    if (known?.revision === store.revision) return known;
    const changes = known === undefined ? undefined : store.changesAfter(known.revision);
    known =
      known === undefined || changes === undefined
        ? nextState(emptyState, everythingIn(store), store.revision)
        : nextState(known, changes, store.revision);
    return known;
  };
}

function everythingIn(store: Store): readonly StoreChange[] {
  return store.list("").entries.map((entry) => ({ type: "put", entry, previous: undefined }));
}

/** `changes` are all that were made after `before`, up to and including `revision`. */
export function nextState(before: State, changes: readonly StoreChange[], revision: number): State {
  const nodes = editOf(before.nodes);
  const pods = editPods(before.podsByNode);
  const data = [
    dataEdit(configMapKind, before.configMaps),
    dataEdit(secretKind, before.secrets),
    dataEdit(serviceKind, before.services),
    dataEdit(endpointSliceKind, before.endpointSlices),
  ] as const;
  for (const change of changes) {
    if (isOf(podKind, change)) pods.apply(change);
    else if (isOf(nodeKind, change)) applyNode(nodes, change);
    else for (const edit of data) if (edit.apply(change)) break;
  }
  const [configMaps, secrets, services, endpointSlices] = data;
  return {
    revision,
    nodes: nodes.result(),
    podsByNode: pods.result(),
    configMaps: configMaps.result(),
    secrets: secrets.result(),
    services: services.result(),
    endpointSlices: endpointSlices.result(),
  };
}

/** Whom a change may concern: everybody, or the nodes of these names. */
export function concernOf(change: StoreChange): "everybody" | readonly string[] {
  if (isOf(podKind, change)) {
    const names = [before(podKind, change), after(podKind, change)].map((pod) => pod?.spec?.nodeName ?? "");
    return [...new Set(names)].filter((name) => name !== "");
  }
  if (isOf(nodeKind, change)) {
    const [old, now] = [before(nodeKind, change), after(nodeKind, change)].map((node) => node && factsOf(node));
    // A deletion ends the session, too.
    return isDeepStrictEqual(old, now) ? [] : "everybody";
  }
  const isData = [configMapKind, secretKind, serviceKind, endpointSliceKind].some((kind) => isOf(kind, change));
  return isData ? "everybody" : [];
}

function applyNode(nodes: Edit<NodeFacts>, change: StoreChange): void {
  const node = after(nodeKind, change);
  if (node === undefined) {
    nodes.delete(nameOfKey(nodeKind, change));
    return;
  }
  const known = nodes.get(nameOf(node));
  const facts = factsOf(node);
  if (isDeepStrictEqual(known, facts)) return;
  nodes.set(nameOf(node), isDeepStrictEqual(known?.peer, facts.peer) ? { ...facts, peer: known?.peer } : facts);
}

/** A node is a peer, whether it is Ready or not: tunnels outlive a silent control plane. */
export function factsOf(node: Node): NodeFacts {
  const podCidrs = node.spec?.podCIDRs ?? [];
  const nodeAddress = node.status?.addresses.find(({ type }) => type === "InternalIP")?.address ?? "";
  const tunnelEndpoint = node.metadata?.annotations[tunnelEndpointAnnotation] ?? "";
  const isWhole = podCidrs.length > 0 && nodeAddress !== "" && tunnelEndpoint !== "";
  return {
    podCidrs,
    zone: node.metadata?.labels[zoneLabel] ?? "",
    peer: isWhole ? { name: nameOf(node), podCIDRs: podCidrs, nodeAddress, tunnelEndpoint } : undefined,
  };
}

/** A Map that is copied when it is first changed. */
interface Edit<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  result(): ReadonlyMap<string, V>;
}

function editOf<V>(original: ReadonlyMap<string, V>): Edit<V> {
  let copy: Map<string, V> | undefined;
  return {
    get: (key) => (copy ?? original).get(key),
    set(key, value) {
      copy ??= new Map(original);
      copy.set(key, value);
    },
    delete(key) {
      if (!(copy ?? original).has(key)) return;
      copy ??= new Map(original);
      copy.delete(key);
    },
    result: () => copy ?? original,
  };
}

function dataEdit<T extends ApiObject>(kind: Kind<T>, original: ReadonlyMap<string, T>) {
  const edit = editOf(original);
  return {
    ...edit,
    /** False where the change is of another kind. */
    apply(change: StoreChange): boolean {
      if (!isOf(kind, change)) return false;
      const object = after(kind, change);
      const path = nameOfKey(kind, change);
      if (object === undefined) edit.delete(path);
      else edit.set(path, object);
      return true;
    },
  };
}

function editPods(original: State["podsByNode"]) {
  const nodes = editOf(original);
  const edits = new Map<string, Edit<Pod>>();
  const podsOf = (pod: Pod): Edit<Pod> => {
    const node = pod.spec?.nodeName ?? "";
    const edit = edits.get(node) ?? editOf(original.get(node) ?? new Map());
    edits.set(node, edit);
    return edit;
  };
  return {
    apply(change: StoreChange) {
      const [old, now] = [before(podKind, change), after(podKind, change)];
      const moved = old?.spec?.nodeName !== now?.spec?.nodeName || old?.metadata?.uid !== now?.metadata?.uid;
      if (old !== undefined && moved) podsOf(old).delete(uidOf(old));
      if (now !== undefined) podsOf(now).set(uidOf(now), now);
    },
    result() {
      for (const [node, edit] of edits) {
        const pods = edit.result();
        if (pods.size > 0) nodes.set(node, pods);
        else nodes.delete(node);
      }
      return nodes.result();
    },
  };
}

function uidOf(pod: Pod): string {
  return pod.metadata?.uid ?? "";
}

function isOf(kind: Pick<Kind<never>, "plural" | "namespaced">, change: StoreChange): boolean {
  return keyOfChange(change).startsWith(prefixOf(kind));
}

/** The name, or namespace/name. */
function nameOfKey(kind: Pick<Kind<never>, "plural" | "namespaced">, change: StoreChange): string {
  return keyOfChange(change).slice(prefixOf(kind).length);
}

function before<T extends ApiObject>(kind: Kind<T>, change: StoreChange): T | undefined {
  return change.previous && objectOf(kind, change.previous);
}

function after<T extends ApiObject>(kind: Kind<T>, change: StoreChange): T | undefined {
  return change.type === "put" ? objectOf(kind, change.entry) : undefined;
}
