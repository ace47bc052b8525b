/* What this node knows of the cluster, built from the session's messages. Pure. */

import { type Cidr, parseCidr } from "#core/cidr.ts";
import { unreachable } from "#core/errors.ts";
import { type Ipv4, parseIpv4 } from "#core/ipv4.ts";
import type { Change, Changes, Peer } from "#proto/podwire/v1/agent.ts";
import type { ConfigMap, EndpointSlice, Pod, Secret, Service } from "#proto/podwire/v1/resources.ts";

export interface PeerView {
  readonly name: string;
  readonly podCidrs: readonly Cidr[];
  readonly nodeAddress: Ipv4;
  /** host:port */
  readonly endpoint: string;
  readonly key: Uint8Array;
}

export interface NodeView {
  readonly revision: number;
  readonly podCidrs: readonly Cidr[];
  /** "" where the node has none. */
  readonly zone: string;
  readonly peers: ReadonlyMap<string, PeerView>;
  /** By uid. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** Those that the pods name, by namespace/name. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** Of the whole cluster, by namespace/name. The same maps as before where nothing of them changed. */
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
}

/** A snapshot may come in several messages; until its last one the old view stands. */
export interface ViewBuilder {
  /** The new view, or undefined in the middle of a snapshot. */
  apply(changes: Changes): NodeView | undefined;
}

export function createViewBuilder(): ViewBuilder {
  let podCidrs: readonly Cidr[] = [];
  let peers = new Map<string, PeerView>();
  let pods = new Map<string, Pod>();
  let configMaps = new Map<string, ConfigMap>();
  let secrets = new Map<string, Secret>();
  let zone = "";
  const services = createShared<Service>();
  const endpointSlices = createShared<EndpointSlice>();
  let inSnapshot = false;

  const applyOne = ({ change }: Change): void => {
    if (change === undefined) return;
    switch (change.$case) {
      case "self":
        podCidrs = change.value.podCIDRs.map(parseCidr);
        zone = change.value.zone;
        break;
      case "peerPut":
        peers.set(change.value.name, viewOfPeer(change.value));
        break;
      case "peerRemoved":
        peers.delete(change.value);
        break;
      case "podPut":
        pods.set(change.value.metadata?.uid ?? "", change.value);
        break;
      case "podRemoved":
        pods.delete(change.value);
        break;
      case "configMapPut":
        configMaps.set(keyOf(change.value), change.value);
        break;
      case "configMapRemoved":
        configMaps.delete(change.value);
        break;
      case "secretPut":
        secrets.set(keyOf(change.value), change.value);
        break;
      case "secretRemoved":
        secrets.delete(change.value);
        break;
      case "servicePut":
        services.set(keyOf(change.value), change.value);
        break;
      case "serviceRemoved":
        services.delete(change.value);
        break;
      case "endpointSlicePut":
        endpointSlices.set(keyOf(change.value), change.value);
        break;
      case "endpointSliceRemoved":
        endpointSlices.delete(change.value);
        break;
      default:
        unreachable(change);
    }
  };

  return {
    apply({ revision, snapshotStart, snapshotEnd, changes }) {
      if (snapshotStart) {
        podCidrs = [];
        peers = new Map();
        pods = new Map();
        configMaps = new Map();
        secrets = new Map();
        services.clear();
        endpointSlices.clear();
        inSnapshot = true;
      }
      for (const change of changes) applyOne(change);
      if (snapshotEnd) inSnapshot = false;
      return inSnapshot
        ? undefined
        : {
            revision,
            podCidrs,
            zone,
            peers: new Map(peers),
            pods: new Map(pods),
            configMaps: new Map(configMaps),
            secrets: new Map(secrets),
            services: services.view(),
            endpointSlices: endpointSlices.view(),
          };
    },
  };
}

/** A map that is copied for its readers only after a change: thousands of entries, and most views change none. */
function createShared<T>() {
  const map = new Map<string, T>();
  let copy: ReadonlyMap<string, T> | undefined;
  return {
    set(key: string, value: T): void {
      map.set(key, value);
      copy = undefined;
    },
    delete(key: string): void {
      if (map.delete(key)) copy = undefined;
    },
    clear(): void {
      map.clear();
      copy = undefined;
    },
    view(): ReadonlyMap<string, T> {
      copy ??= new Map(map);
      return copy;
    },
  };
}

function keyOf({ metadata }: ConfigMap | Secret | Service | EndpointSlice): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

function viewOfPeer({ name, podCIDRs, nodeAddress, tunnelEndpoint, key }: Peer): PeerView {
  return { name, podCidrs: podCIDRs.map(parseCidr), nodeAddress: parseIpv4(nodeAddress), endpoint: tunnelEndpoint, key };
}
