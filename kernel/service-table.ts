/* A node's table of Services, as values: what is to stand in it and what changes it. It is a table apart from the host's own, which is
 * listed whole every few seconds; this one may hold a thousand Services. Names follow from what they are for, so that an agent that
 * starts anew meets its predecessor's. */

import type { Ipv4 } from "#core/ipv4.ts";

export interface ServiceTable {
  readonly chains: ReadonlyMap<string, Chain>;
  /** Remember clients, each for as long as the rule says that puts it in. */
  readonly affinitySets: ReadonlySet<string>;
  readonly elements: ReadonlyMap<string, TableElement>;
}

export interface Chain {
  /** Where the kernel calls it; undefined where only other chains do. */
  readonly hook?: string;
  /** In nft's language. */
  readonly rules: readonly string[];
}

/** Of a map, or with no value of a set, by what packets are addressed to. */
export interface TableElement {
  readonly in: "services" | "refusals" | "addresses";
  readonly key: string;
  readonly value?: string;
}

/** One transaction. */
export interface TableChange {
  /** What the maps hold is not known: they are emptied first. */
  readonly anew: boolean;
  /** Made, or emptied and filled. */
  readonly chains: ReadonlyMap<string, Chain>;
  readonly affinitySets: readonly string[];
  readonly elements: readonly TableElement[];
  readonly staleElements: readonly TableElement[];
  readonly staleChains: readonly string[];
  readonly staleAffinitySets: readonly string[];
}

/** What can be learnt of a table without listing it whole. */
export interface TableNames {
  readonly chains: readonly string[];
  readonly affinitySets: readonly string[];
}

/** An entry of connection tracking: how it came, and who answers. */
export interface UdpFlow {
  readonly source: Ipv4;
  readonly sourcePort: number;
  readonly destination: Ipv4;
  readonly destinationPort: number;
  readonly answeredBy: Ipv4;
  readonly answeredPort: number;
}

/** What this node led to an endpoint. Counters, which begin anew after an hour in which nothing went there. */
export interface EndpointTraffic {
  /** Of the endpoint itself, where the packet went in the end. */
  readonly address: string;
  readonly protocol: string;
  readonly port: number;
  /** Connections of TCP, flows of UDP. */
  readonly connections: number;
  /** Datagrams of UDP; of TCP an estimate. */
  readonly requests: number;
}

/** Every call works in the network namespace that the process runs in. */
export interface ServiceKernel {
  readNames(signal: AbortSignal): Promise<TableNames>;
  /** All of it or nothing. */
  apply(change: TableChange, signal: AbortSignal): Promise<void>;
  /** In no order; nothing where there is no table. */
  readTraffic(signal: AbortSignal): Promise<EndpointTraffic[]>;
  readUdpFlows(signal: AbortSignal): Promise<UdpFlow[]>;
  /** With these go others to the same Service and from the same endpoint. One that has ended meanwhile is no error. */
  removeUdpFlows(flows: readonly UdpFlow[], signal: AbortSignal): Promise<void>;
}
