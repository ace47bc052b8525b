/* What a change of a Service keeps and drops by itself, as Kubernetes' registry does before it validates: addresses and ports that
 * the user neither set nor meant to lose stay, and those that the new type has no use for go. Pure. */

import type { Service, ServicePort, ServiceSpec } from "#proto/podwire/v1/resources.ts";
import { hasHealthCheckPort, hasNodePorts, serviceTypeOf } from "./service-type.ts";

export function afterChange(next: Service, previous: Service): Service {
  const [before, after] = [previous.spec, next.spec];
  if (before === undefined || after === undefined) return next;
  const spec = [keepAddress, keepNodePorts, keepHealthCheckPort].reduce((now, step) => step(now, before), after);
  return { ...next, spec };
}

function keepAddress(after: ServiceSpec, before: ServiceSpec): ServiceSpec {
  const [had, has] = [serviceTypeOf(before).hasAddress, serviceTypeOf(after).hasAddress];
  if (had && !has && after.clusterIP === before.clusterIP) {
    return { ...after, clusterIP: undefined, clusterIPs: [], ipFamilies: [], ipFamilyPolicy: undefined };
  }
  if (!had || !has || (after.clusterIP ?? "") !== "") return after;
  return { ...after, clusterIP: before.clusterIP, clusterIPs: before.clusterIPs };
}

function keepNodePorts(after: ServiceSpec, before: ServiceSpec): ServiceSpec {
  const had = new Map(before.ports.map((port) => [identityOf(port), port.nodePort]));
  if (hasNodePorts(after)) {
    const taken = new Set(after.ports.map(({ nodePort }) => nodePort));
    return {
      ...after,
      ports: after.ports.map((port) => {
        const kept = had.get(identityOf(port));
        return port.nodePort !== undefined || kept === undefined || taken.has(kept) ? port : { ...port, nodePort: kept };
      }),
    };
  }
  const unchanged = after.ports.every(({ nodePort }) => nodePort === undefined || [...had.values()].includes(nodePort));
  if (!hasNodePorts(before) || !unchanged) return after;
  return { ...after, ports: after.ports.map((port) => ({ ...port, nodePort: undefined })) };
}

function keepHealthCheckPort(after: ServiceSpec, before: ServiceSpec): ServiceSpec {
  const policy =
    !serviceTypeOf(after).isExternal && after.externalTrafficPolicy === before.externalTrafficPolicy
      ? undefined
      : after.externalTrafficPolicy;
  const spec = { ...after, externalTrafficPolicy: policy };
  const { healthCheckNodePort: had } = before;
  if (hasHealthCheckPort(spec)) return spec.healthCheckNodePort ? spec : { ...spec, healthCheckNodePort: had };
  return spec.healthCheckNodePort === had ? { ...spec, healthCheckNodePort: undefined } : spec;
}

function identityOf({ protocol, port }: ServicePort): string {
  return `${protocol} ${port}`;
}
