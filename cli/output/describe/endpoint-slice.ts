import type { Endpoint, EndpointSlice } from "#proto/podwire/v1/resources.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, field, indented, innerTable, labelsField } from "./fields.ts";

export const endpointSliceDescriber: Describer<EndpointSlice> = {
  events: true,
  lines: ({ metadata, addressType, ports, endpoints }) => [
    field("Name", metadata?.name),
    field("Namespace", metadata?.namespace),
    ...labelsField("Labels", metadata?.labels ?? {}),
    ...annotationsField(metadata?.annotations ?? {}),
    field("AddressType", addressType),
    ...(ports.length === 0
      ? [field("Ports", "<unset>")]
      : [
          "Ports:",
          ...innerTable(
            ["Name", "Port", "Protocol"],
            ports.map(({ name, port, protocol }) => [name || "<unset>", String(port ?? "*"), protocol ?? ""]),
          ),
        ]),
    ...(endpoints.length === 0 ? [field("Endpoints", "<none>")] : ["Endpoints:", ...endpoints.flatMap(endpointLines)]),
  ],
};

function endpointLines({ addresses, conditions, hostname, targetRef, nodeName, zone, hints }: Endpoint): string[] {
  const { ready, serving, terminating } = conditions ?? {};
  const near = [...(hints?.forNodes ?? []), ...(hints?.forZones ?? [])].flatMap(({ name }) => name ?? []);
  return indented([
    `- Addresses:\t${addresses.join(", ")}`,
    "  Conditions:",
    `    Ready:\t${ready ?? "<unset>"}`,
    `    Serving:\t${serving ?? "<unset>"}`,
    `    Terminating:\t${terminating ?? "<unset>"}`,
    `  Hostname:\t${hostname ?? "<unset>"}`,
    ...(targetRef === undefined ? [] : [`  TargetRef:\t${targetRef.kind}/${targetRef.name}`]),
    `  NodeName:\t${nodeName ?? "<unset>"}`,
    `  Zone:\t${zone ?? "<unset>"}`,
    ...(near.length === 0 ? [] : [`  Hints:\t${near.join(", ")}`]),
  ]);
}
