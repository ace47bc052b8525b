/* What Podwire keeps in a host's network namespace, as values: the state that can be read and the steps that change it.
 * Everything of ours is recognisable without memory of who made it: routes and rules carry our protocol number, devices and
 * namespaces our prefix, nftables rules stand in one table. */

import type { Cidr } from "#core/cidr.ts";
import { AppError, messageOf } from "#core/errors.ts";
import type { Ipv4 } from "#core/ipv4.ts";

/** The tunnel device of a host. It has no address. */
export const tunName = "podwire0";
/** Host ends of pods' veth pairs: this and the start of the pod's uid, within the kernel's 15 characters. */
export const podDevicePrefix = "pw";

/** Names of the network namespaces of a node's pods begin so: a machine may have others, and agents that share a /run/netns. */
export function podNetnsPrefix(nodeName: string): string {
  return `${nodeName}.`;
}

/** Marks our routes and rules (rtnetlink's RTPROT; 5–255 are free for programs). */
export const routeProtocol = 112;
/** Routes for what comes from this host's pods only. */
export const podTable = 100;
export const mainTable = 254;
/** Bits of marks. On a connection: it came from the hosts' own network, and by that its answers go. */
export const underlayMark = 0x10000;
/** On a packet: whoever has it next must see the node's address. */
export const masqueradeMark = 0x20000;
/** What leads to this host itself; its device is always `loopbackName`. */
export const localTable = 255;
export const loopbackName = "lo";
/** The next hop that every pod has; nobody owns the address. */
export const podGateway = "169.254.1.1";
/** The hardware address of every host end, so that a pod's neighbour entry for its gateway is a constant. */
export const hostMac = "ee:ee:ee:ee:ee:ee";

/** 1,500 − 20 IPv4 − 32 TCP with timestamps − 8 masked WebSocket header − 14 record header − 22 TLS = 1,404, rounded down: one packet fits one segment. */
export const podMtu = 1400;

export interface Route {
  readonly table: number;
  readonly destination: Cidr;
  /** Packets to an unreachable destination are answered with an ICMP error; `device` leads everything else. */
  readonly to: { readonly device: string; readonly source?: Ipv4 } | "unreachable";
}

/** Which packets look into which table: those from a block, or those with a bit of the mark. */
export type Rule = { readonly priority: number; readonly table: number } & ({ readonly from: Cidr } | { readonly mark: number });

/** A pod's network: its namespace, its veth pair, its address. */
export interface PodLink {
  readonly netns: string;
  readonly device: string;
  readonly address: Ipv4;
  readonly hostPorts?: readonly HostPort[];
}

/** A port of the node that leads to one of the pod's. */
export interface HostPort {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly containerPort: number;
  /** The node's address that it is for; every one that the node has, but for localhost, where it is absent. */
  readonly hostAddress?: Ipv4;
}

/** The constant part of the nftables table. */
export interface RuleBase {
  readonly podRange: Cidr;
  readonly nodeAddress: Ipv4;
  /** The cluster's name server, which is this node. */
  readonly dnsAddress: Ipv4;
}

/** The part that follows pods and peers. */
export type SetElement =
  | { readonly set: "pods"; readonly device: string; readonly address: Ipv4 }
  | { readonly set: "nodes"; readonly address: Ipv4 }
  /** `address` is the pod's. */
  | ({ readonly set: "hostPorts"; readonly address: Ipv4 } & HostPort);

export interface NetworkState {
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  /** Host ends of veth pairs. */
  readonly devices: readonly string[];
  readonly netns: readonly string[];
  /** A digest of the RuleBase that made the table, see nft.ts; undefined where there is no table. */
  readonly ruleBase: string | undefined;
  readonly elements: readonly SetElement[];
}

export type NetworkStep =
  | { readonly op: "add-route"; readonly route: Route }
  | { readonly op: "remove-route"; readonly route: Route }
  | { readonly op: "add-rule"; readonly rule: Rule }
  | { readonly op: "remove-rule"; readonly rule: Rule }
  /** Makes a pod's namespace and veth pair, and everything inside the namespace; the host's route to it is one of `routes`. */
  | { readonly op: "add-pod"; readonly link: PodLink }
  | { readonly op: "remove-device"; readonly device: string }
  | { readonly op: "remove-netns"; readonly netns: string }
  | { readonly op: "set-rule-base"; readonly base: RuleBase }
  | { readonly op: "add-element"; readonly element: SetElement }
  | { readonly op: "remove-element"; readonly element: SetElement };

/** A host's network. Every call works in the network namespace that the process runs in. */
export interface Network {
  read(signal: AbortSignal): Promise<NetworkState>;
  /** In order; throws where a step fails, and then others may have been done: read again. What failed inside of a pod can't be read. */
  apply(steps: readonly NetworkStep[], signal: AbortSignal): Promise<void>;
}

/** Some steps failed, and those that could be done were. */
export class PartlyApplied extends AppError {
  /** Pods whose inside could not be set up. */
  readonly halfMade: readonly PodLink[];

  constructor(cause: unknown, halfMade: readonly PodLink[]) {
    super("internal", messageOf(cause), { cause });
    this.name = "PartlyApplied";
    this.halfMade = halfMade;
  }
}
