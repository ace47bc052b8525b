import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import type { Kind } from "#core/objects/kind.ts";
import { serviceNameLabel } from "#core/services/labels.ts";
import { serviceTypeOf } from "#core/services/service-type.ts";
import type { EndpointSlice, Service, ServicePort } from "#proto/podwire/v1/resources.ts";
import { labelsText } from "../labels-text.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, field, labelsField } from "./fields.ts";

const endpointsShownMax = 3;

export const serviceDescriber: Describer<Service> = {
  related: ({ metadata }) => ({
    kind: endpointSliceKind as unknown as Kind,
    namespace: metadata?.namespace ?? "",
    labelSelector: `${serviceNameLabel}=${metadata?.name}`,
  }),
  events: true,
  lines: ({ metadata, spec, status }, { related }) => {
    const { hasAddress, isExternal } = serviceTypeOf(spec);
    const addresses = hasAddress ? (spec?.clusterIPs ?? []) : [];
    return [
      field("Name", metadata?.name),
      field("Namespace", metadata?.namespace),
      ...labelsField("Labels", metadata?.labels ?? {}),
      ...annotationsField(metadata?.annotations ?? {}),
      field("Selector", labelsText(spec?.selector ?? {})),
      field("Type", spec?.type),
      ...given("IP Family Policy", spec?.ipFamilyPolicy),
      ...given("IP Families", spec?.ipFamilies.join(",")),
      field("IP", addresses[0] ?? ""),
      field("IPs", addresses.join(",") || "<none>"),
      ...given("External Name", spec?.externalName),
      ...given("IP", spec?.loadBalancerIP),
      ...given(
        "LoadBalancer Ingress",
        (status?.loadBalancer?.ingress ?? []).map(({ ip, ipMode }) => `${ip} (${ipMode})`).join(", "),
      ),
      ...(spec?.ports ?? []).flatMap((port) => portLines(port, related as readonly EndpointSlice[])),
      field("Session Affinity", spec?.sessionAffinity),
      ...(isExternal ? given("External Traffic Policy", spec?.externalTrafficPolicy) : []),
      ...given("Internal Traffic Policy", spec?.internalTrafficPolicy),
      ...given("Traffic Distribution", spec?.trafficDistribution),
      ...given("HealthCheck NodePort", spec?.healthCheckNodePort),
    ];
  },
};

function given(label: string, value: string | number | undefined): string[] {
  return value === undefined || value === "" || value === 0 ? [] : [field(label, value)];
}

function portLines({ name, port, protocol, targetPort, nodePort }: ServicePort, slices: readonly EndpointSlice[]): string[] {
  const shownName = name || "<unset>";
  return [
    `Port:\t${shownName}\t${port}/${protocol}`,
    field("TargetPort", `${targetPort ?? port}/${protocol}`),
    ...(nodePort ? [`NodePort:\t${shownName}\t${nodePort}/${protocol}`] : []),
    field("Endpoints", endpointsText(slices, name ?? "")),
  ];
}

/** Those that take traffic, as kubectl shows them. */
function endpointsText(slices: readonly EndpointSlice[], portName: string): string {
  const ready = slices.flatMap(({ endpoints, ports }) => {
    const port = ports.find(({ name = "" }) => name === portName)?.port;
    if (port === undefined) return [];
    return endpoints.filter(({ conditions }) => conditions?.ready !== false).map(({ addresses }) => `${addresses[0]}:${port}`);
  });
  const more = ready.length - endpointsShownMax;
  return `${ready.slice(0, endpointsShownMax).join(",")}${more > 0 ? ` + ${more} more...` : ""}`;
}
