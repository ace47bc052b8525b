/* The variables that tell a container of Services, as a kubelet makes them of those that there are when it starts
 * (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables). Pure. */

import { clusterIpOf } from "#core/services/service-type.ts";
import type { Pod, Service } from "#proto/podwire/v1/resources.ts";

/** Of the pod's namespace, unless it wants none, and always of the control plane. */
export function serviceVariables({ metadata, spec }: Pod, services: Iterable<Service>): Map<string, string> {
  const all = [...services];
  const controlPlane = all.filter((service) => isNamed(service, "default") && service.metadata?.name === "kubernetes");
  const own = spec?.enableServiceLinks === false ? [] : all.filter((service) => isNamed(service, metadata?.namespace));
  // A Service of the pod's own namespace wins.
  return new Map([...controlPlane, ...own].flatMap(variablesOf));
}

function isNamed({ metadata }: Service, namespace: string | undefined): boolean {
  return metadata?.namespace === namespace;
}

function variablesOf(service: Service): (readonly [name: string, value: string])[] {
  const address = clusterIpOf(service);
  if (address === undefined) return [];
  const prefix = variableName(service.metadata?.name ?? "");
  const ports = service.spec?.ports ?? [];
  return [
    [`${prefix}_SERVICE_HOST`, address],
    ...ports.slice(0, 1).map(({ port }) => [`${prefix}_SERVICE_PORT`, `${port}`] as const),
    ...ports.flatMap(({ name = "", port }) =>
      name === "" ? [] : [[`${prefix}_SERVICE_PORT_${variableName(name)}`, `${port}`] as const],
    ),
    // Docker's links had these.
    ...ports.flatMap(({ port, protocol = "TCP" }, i): [string, string][] => {
      const own = `${prefix}_PORT_${port}_${protocol}`;
      const url = `${protocol.toLowerCase()}://${address}:${port}`;
      return [
        ...(i === 0 ? [[`${prefix}_PORT`, url] as [string, string]] : []),
        [own, url],
        [`${own}_PROTO`, protocol.toLowerCase()],
        [`${own}_PORT`, `${port}`],
        [`${own}_ADDR`, address],
      ];
    }),
  ];
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}
