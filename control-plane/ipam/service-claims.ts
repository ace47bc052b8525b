/* What Services hold alone: virtual addresses, node ports, a balancer's addresses. Each is a key of the store, made of the value, that
 * is checked absent in the commit which writes the Service. So
 * (1) two Services never hold one value, however many allocate at once: the second commit fails its check and chooses again;
 * (2) a Service has its values and their rows, or neither, wherever a kill hits;
 * (3) a value is free again by the commit that deletes the Service, or that changes it so that it has no use for the value. */

import { addressAt, type Cidr, cidrContains, formatCidr, sizeOf } from "#core/cidr.ts";
import { AppError } from "#core/errors.ts";
import { formatIpv4, parseIpv4 } from "#core/ipv4.ts";
import type { Problem } from "#core/objects/kind.ts";
import { invalidValue } from "#core/objects/problem.ts";
import type { Rng } from "#core/rng.ts";
import { nodePortRange, staticAddressCount, staticNodePortCount } from "#core/services/service-range.ts";
import { clusterIpOf, hasHealthCheckPort, hasNodePorts, isHeadless, serviceTypeOf } from "#core/services/service-type.ts";
import type { Service, ServicePort, ServiceSpec } from "#proto/podwire/v1/resources.ts";
import type { Check, Store, Write } from "../store/store.ts";
import { type Band, chooseFromBand } from "./band-choice.ts";

export interface ServiceRanges {
  readonly serviceCidr: Cidr;
  /** Of LoadBalancers. */
  readonly balancerCidr: Cidr;
}

export interface ClaimContext {
  readonly store: Store;
  readonly ranges: ServiceRanges;
  readonly rng: Rng;
  /** Keys that other objects of the same commit take. */
  readonly claimed: Set<string>;
}

export type Claim =
  | { readonly object: Service; readonly checks: readonly Check[]; readonly writes: readonly Write[] }
  | { readonly problems: readonly Problem[] };

/** The Service with all that it needs, and what to commit with it. Throws "exhausted" where a range is full. */
export function claimFor(next: Service, previous: Service | undefined, context: ClaimContext): Claim {
  const spec = next.spec;
  if (spec === undefined) return { object: next, checks: [], writes: [] };
  const held = new Set(previous === undefined ? [] : claimKeys(previous));
  const chooser = createChooser(context, held);
  const chosen: ServiceSpec = {
    ...spec,
    ...chooser.address(spec),
    ports: chooser.nodePorts(spec),
    healthCheckNodePort: chooser.healthCheckPort(spec),
  };
  const object: Service = { ...next, spec: chosen, status: chooser.status(chosen, previous ?? next) };
  if (chooser.problems.length > 0) return { problems: chooser.problems };
  const keys = claimKeys(object);
  const taken = keys.filter((key) => !held.has(key));
  for (const key of taken) context.claimed.add(key);
  const owner = `${next.metadata?.namespace}/${next.metadata?.name}`;
  return {
    object,
    checks: taken.map((key) => ({ key, is: "absent" })),
    writes: [
      ...taken.map((key): Write => ({ type: "put", key, value: { owner } })),
      ...[...held].filter((key) => !keys.includes(key)).map((key): Write => ({ type: "delete", key })),
    ],
  };
}

/** What to commit together with the deletion of the Service. */
export function releaseClaims(service: Service): readonly Write[] {
  return claimKeys(service).map((key) => ({ type: "delete", key }));
}

const addressKey = (address: string) => `allocations/clusterIP/${address}`;
const nodePortKey = (port: number) => `allocations/nodePort/${port}`;
const balancerKey = (address: string) => `allocations/loadBalancerIP/${address}`;

function claimKeys(service: Service): string[] {
  const { spec, status } = service;
  const address = clusterIpOf(service);
  const ports = [...(spec?.ports ?? []).map(({ nodePort }) => nodePort), spec?.healthCheckNodePort];
  const balancers = status?.loadBalancer?.ingress ?? [];
  return [
    ...(address === undefined ? [] : [addressKey(address)]),
    ...new Set(ports.flatMap((port) => (port ? [nodePortKey(port)] : []))),
    ...balancers.flatMap(({ ip }) => (ip === undefined ? [] : [balancerKey(ip)])),
  ];
}

const nodePortBand: Band = { ...nodePortRange, staticCount: staticNodePortCount(nodePortRange) };

function createChooser({ store, ranges, rng, claimed }: ClaimContext, held: ReadonlySet<string>) {
  const problems: Problem[] = [];
  /** Taken by another port of the same Service. */
  const own = new Set<string>();
  const isFree = (key: string) => !own.has(key) && (held.has(key) || (!claimed.has(key) && store.get(key) === undefined));
  const owner = (key: string) => {
    const value = store.get(key)?.value as { readonly owner?: string } | undefined;
    return value?.owner === undefined ? "" : ` (by Service ${value.owner})`;
  };

  const addressFrom = (range: Cidr, { keyOf, staticCount, what }: AddressUse): string => {
    // As in Kubernetes, neither the range's first address nor its last.
    const band = { min: 1, max: sizeOf(range) - 2, staticCount };
    const textAt = (offset: number) => formatIpv4(addressAt(range, offset));
    const offset = chooseFromBand(band, (value) => isFree(keyOf(textAt(value))), rng);
    if (offset === undefined) throw full(what, formatCidr(range));
    return textAt(offset);
  };
  const checkAddress = (range: Cidr, text: string, path: string, keyOf: AddressUse["keyOf"]) => {
    const failed = `failed to allocate IP ${text}: `;
    const address = parseIpv4(text);
    const last = addressAt(range, sizeOf(range) - 1);
    if (!cidrContains(range, address) || address === range.base || address === last) {
      const detail = `the provided IP (${text}) is not in the valid range. The range of valid IPs is ${formatCidr(range)}`;
      problems.push(invalidValue(path, text, failed + detail));
    } else if (!isFree(keyOf(text))) {
      problems.push(invalidValue(path, text, `${failed}provided IP is already allocated${owner(keyOf(text))}`));
    }
  };
  const checkPort = (port: number, path: string) => {
    const { min, max } = nodePortRange;
    if (port < min || port > max) {
      const detail = `provided port is not in the valid range. The range of valid ports is ${min}-${max}`;
      problems.push(invalidValue(path, port, detail));
    } else if (!isFree(nodePortKey(port))) {
      problems.push(invalidValue(path, port, `provided port is already allocated${owner(nodePortKey(port))}`));
    }
  };
  const anyPort = (): number => {
    const port = chooseFromBand(nodePortBand, (value) => isFree(nodePortKey(value)), rng);
    if (port === undefined) throw full("a nodePort", `${nodePortRange.min}-${nodePortRange.max}`);
    own.add(nodePortKey(port));
    return port;
  };

  return {
    problems,
    address(spec: ServiceSpec): Pick<ServiceSpec, "clusterIP" | "clusterIPs"> {
      const { clusterIP = "", clusterIPs } = spec;
      if (!serviceTypeOf(spec).hasAddress || isHeadless(spec)) return { clusterIP: spec.clusterIP, clusterIPs };
      const range = ranges.serviceCidr;
      if (clusterIP !== "") {
        checkAddress(range, clusterIP, "spec.clusterIPs", addressKey);
        return { clusterIP, clusterIPs };
      }
      const use = { keyOf: addressKey, staticCount: staticAddressCount(range), what: "a serviceIP" };
      const address = addressFrom(range, use);
      return { clusterIP: address, clusterIPs: [address] };
    },
    /** TCP and UDP on one port share a node port, unless they say otherwise. */
    nodePorts(spec: ServiceSpec): ServicePort[] {
      if (!hasNodePorts(spec)) return spec.ports;
      const shared = new Map<number | undefined, number>();
      const checked = new Set<number>();
      for (const [i, { port, nodePort }] of spec.ports.entries()) {
        if (nodePort === undefined) continue;
        if (!checked.has(nodePort)) checkPort(nodePort, `spec.ports[${i}].nodePort`);
        checked.add(nodePort);
        if (!shared.has(port)) shared.set(port, nodePort);
      }
      for (const nodePort of checked) own.add(nodePortKey(nodePort));
      return spec.ports.map((port) => {
        if (port.nodePort !== undefined) return port;
        const nodePort = shared.get(port.port) ?? anyPort();
        shared.set(port.port, nodePort);
        return { ...port, nodePort };
      });
    },
    healthCheckPort(spec: ServiceSpec): number | undefined {
      const { healthCheckNodePort } = spec;
      if (!hasHealthCheckPort(spec)) return undefined;
      if (!healthCheckNodePort) return anyPort();
      checkPort(healthCheckNodePort, "spec.healthCheckNodePort");
      return healthCheckNodePort;
    },
    /** A balancer's address answers on every node, so it is there as soon as the Service is. */
    status(spec: ServiceSpec, { status }: Service): Service["status"] {
      const conditions = status?.conditions ?? [];
      if (!serviceTypeOf(spec).hasBalancer) return { loadBalancer: { ingress: [] }, conditions };
      const range = ranges.balancerCidr;
      const wanted = spec.loadBalancerIP ?? "";
      const had = status?.loadBalancer?.ingress[0]?.ip;
      if (wanted !== "" && wanted !== had) checkAddress(range, wanted, "spec.loadBalancerIP", balancerKey);
      const ip = wanted || had || addressFrom(range, { keyOf: balancerKey, staticCount: 0, what: "a load balancer's address" });
      return { loadBalancer: { ingress: [{ ip, ipMode: "VIP" }] }, conditions };
    },
  };
}

interface AddressUse {
  readonly keyOf: (address: string) => string;
  readonly staticCount: number;
  readonly what: string;
}

function full(what: string, range: string): AppError {
  return new AppError("exhausted", `failed to allocate ${what}: range ${range} is full: delete Services that are no longer used`);
}
