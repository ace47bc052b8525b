import { serviceTypeOf } from "#core/services/service-type.ts";
import type { Service, ServicePort } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";
import { labelsText } from "./labels-text.ts";

export const serviceColumns: readonly Column<Service>[] = [
  { title: "TYPE", cell: ({ spec }) => spec?.type ?? "" },
  { title: "CLUSTER-IP", cell: ({ spec }) => spec?.clusterIP || "<none>" },
  { title: "EXTERNAL-IP", cell: externalText },
  { title: "PORT(S)", cell: ({ spec }) => portsText(spec?.ports ?? []) },
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
  { title: "SELECTOR", wide: true, cell: ({ spec }) => labelsText(spec?.selector ?? {}) },
];

function externalText({ spec, status }: Service): string {
  if (spec?.type === "ExternalName") return spec.externalName ?? "";
  const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  if (addresses.length > 0) return addresses.join(",");
  return serviceTypeOf(spec).hasBalancer ? "<pending>" : "<none>";
}

/** `80/TCP,443:30443/TCP` */
function portsText(ports: readonly ServicePort[]): string {
  if (ports.length === 0) return "<none>";
  return ports.map(({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ""}/${protocol}`).join(",");
}
