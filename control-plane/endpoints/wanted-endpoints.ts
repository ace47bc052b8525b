/* Which addresses stand behind a Service, grouped by the ports that they answer at: what its EndpointSlices must say. Pure.
 * (KEP-0752, KEP-1672; Kubernetes' endpointslice reconciler.) */

import { headlessLabel } from "#core/services/labels.ts";
import { isHeadless, serviceTypeOf } from "#core/services/service-type.ts";
import type { Container, Endpoint, EndpointHints, EndpointPort, Pod, Service, ServicePort } from "#proto/podwire/v1/resources.ts";
import { isReady } from "../state/conditions.ts";
import { hasEnded } from "../workloads/pod-state.ts";

/** Endpoints that answer at the same ports. */
export interface EndpointGroup {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface EndpointQuestion {
  readonly service: Service;
  /** Those that its selector selects. */
  readonly pods: readonly Pod[];
  /** By a node's name. */
  readonly zones: ReadonlyMap<string, string>;
}

/** Whether the control plane keeps its slices: without a selector somebody else does, and an alias has none. */
export function hasManagedSlices({ spec }: Service): boolean {
  return Object.keys(spec?.selector ?? {}).length > 0 && serviceTypeOf(spec).hasAddress;
}

export function wantedEndpoints({ service, pods, zones }: EndpointQuestion): EndpointGroup[] {
  const groups = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    if (!hasAddress(pod)) continue;
    const ports = portsOf(service, pod);
    if (ports === undefined) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointOf(service, pod, zones.get(pod.spec?.nodeName ?? "")));
  }
  return [...groups.values()];
}

/** Labels of a Service's slices beside its name. */
export function sliceLabels({ spec }: Service): Readonly<Record<string, string>> {
  return isHeadless(spec) ? { [headlessLabel]: "" } : {};
}

/** An ended pod is no endpoint whatever was published: it has no network any more. */
function hasAddress(pod: Pod): boolean {
  return (pod.status?.podIP ?? "") !== "" && !hasEnded(pod);
}

/** Undefined where it has none of a Service's ports. A headless Service may have no ports at all. */
function portsOf({ spec }: Service, pod: Pod): EndpointPort[] | undefined {
  const wanted = spec?.ports ?? [];
  const found = wanted.flatMap((port) => {
    const target = targetIn(pod, port);
    if (target === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = port;
    return [{ name, protocol, port: target, appProtocol }];
  });
  return wanted.length > 0 && found.length === 0 ? undefined : found;
}

/** A name means the pod's port of that name and protocol: another number in each pod, if they like. */
function targetIn({ spec }: Pod, { port, targetPort, protocol }: ServicePort): number | undefined {
  if (typeof targetPort !== "string") return typeof targetPort === "number" ? targetPort : port;
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const containers: readonly Container[] = [...(spec?.containers ?? []), ...sidecars];
  for (const container of containers) {
    const found = container.ports.find((candidate) => candidate.name === targetPort && candidate.protocol === protocol);
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

function endpointOf(service: Service, pod: Pod, zone: string | undefined): Endpoint {
  const { metadata, spec, status } = pod;
  const serving = isReady(pod);
  const terminating = metadata?.deletionTimestamp !== undefined;
  const published = service.spec?.publishNotReadyAddresses === true;
  const inSubdomain = (spec?.hostname ?? "") !== "" && spec?.subdomain === service.metadata?.name;
  return {
    addresses: [status?.podIP ?? ""],
    conditions: { ready: published || (serving && !terminating), serving, terminating },
    hostname: inSubdomain ? spec?.hostname : undefined,
    nodeName: spec?.nodeName,
    zone: zone === "" ? undefined : zone,
    targetRef: { kind: "Pod", namespace: metadata?.namespace, name: metadata?.name, uid: metadata?.uid },
    hints: hintsOf(service.spec?.trafficDistribution, spec?.nodeName, zone),
  };
}

/** KEP-4444: each endpoint is for those who are where it is. */
function hintsOf(
  distribution: string | undefined,
  node: string | undefined,
  zone: string | undefined,
): EndpointHints | undefined {
  const forZones = zone === undefined || zone === "" ? [] : [{ name: zone }];
  switch (distribution) {
    case "PreferClose":
    case "PreferSameZone":
      return forZones.length === 0 ? undefined : { forZones, forNodes: [] };
    case "PreferSameNode":
      return { forZones, forNodes: node === undefined ? [] : [{ name: node }] };
    default:
      return undefined;
  }
}
