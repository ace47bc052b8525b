import type { Changes, Peer } from "#proto/podwire/v1/agent.ts";
import type { ConfigMap, EndpointSlice, Pod, Secret, Service } from "#proto/podwire/v1/resources.ts";

/** What an agent knows after the messages that it got. */
export interface NodeView {
  readonly revision: number;
  readonly podCIDRs: readonly string[];
  readonly peers: ReadonlyMap<string, Peer>;
  /** By uid. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** By namespace/name. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
}

export const emptyNodeView: NodeView = {
  revision: 0,
  podCIDRs: [],
  peers: new Map(),
  pods: new Map(),
  configMaps: new Map(),
  secrets: new Map(),
  services: new Map(),
  endpointSlices: new Map(),
};

/** Follows the protocol to the letter: a snapshot replaces all, a removal of what isn't there is a fault. */
export function applyChanges(before: NodeView, { revision, snapshotStart, changes }: Changes): NodeView {
  const base = snapshotStart ? emptyNodeView : before;
  let podCIDRs = base.podCIDRs;
  const peers = copiedWhenChanged(base.peers);
  const pods = copiedWhenChanged(base.pods);
  const configMaps = copiedWhenChanged(base.configMaps);
  const secrets = copiedWhenChanged(base.secrets);
  const services = copiedWhenChanged(base.services);
  const endpointSlices = copiedWhenChanged(base.endpointSlices);
  for (const { change } of changes) {
    switch (change?.$case) {
      case "self":
        podCIDRs = change.value.podCIDRs;
        break;
      case "peerPut":
        peers.set(change.value.name, change.value);
        break;
      case "peerRemoved":
        if (!peers.delete(change.value)) throw new Error(`removed peer ${change.value} was not there`);
        break;
      case "podPut":
        pods.set(change.value.metadata?.uid ?? "", change.value);
        break;
      case "podRemoved":
        if (!pods.delete(change.value)) throw new Error(`removed pod ${change.value} was not there`);
        break;
      case "configMapPut":
        configMaps.set(`${change.value.metadata?.namespace}/${change.value.metadata?.name}`, change.value);
        break;
      case "configMapRemoved":
        if (!configMaps.delete(change.value)) throw new Error(`removed ConfigMap ${change.value} was not there`);
        break;
      case "secretPut":
        secrets.set(`${change.value.metadata?.namespace}/${change.value.metadata?.name}`, change.value);
        break;
      case "secretRemoved":
        if (!secrets.delete(change.value)) throw new Error(`removed Secret ${change.value} was not there`);
        break;
      case "servicePut":
        services.set(`${change.value.metadata?.namespace}/${change.value.metadata?.name}`, change.value);
        break;
      case "serviceRemoved":
        if (!services.delete(change.value)) throw new Error(`removed Service ${change.value} was not there`);
        break;
      case "endpointSlicePut":
        endpointSlices.set(`${change.value.metadata?.namespace}/${change.value.metadata?.name}`, change.value);
        break;
      case "endpointSliceRemoved":
        if (!endpointSlices.delete(change.value)) throw new Error(`removed EndpointSlice ${change.value} was not there`);
        break;
      case undefined:
        throw new Error("a change that says nothing");
    }
  }
  return {
    ...{ revision, podCIDRs, peers: peers.now(), pods: pods.now(), configMaps: configMaps.now(), secrets: secrets.now() },
    ...{ services: services.now(), endpointSlices: endpointSlices.now() },
  };
}

function copiedWhenChanged<V>(original: ReadonlyMap<string, V>) {
  let copy: Map<string, V> | undefined;
  const changing = () => {
    copy ??= new Map(original);
    return copy;
  };
  return {
    set: (key: string, value: V) => changing().set(key, value),
    delete: (key: string) => changing().delete(key),
    now: () => copy ?? original,
  };
}
