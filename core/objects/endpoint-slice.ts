import { type Endpoint, EndpointSlice } from "#proto/podwire/v1/resources.ts";
import { type Cidr, cidrContains, parseCidr } from "../cidr.ts";
import { parseIpv4 } from "../ipv4.ts";
import { labelNameProblem, subdomainNameProblem } from "../names.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { addressProblem } from "./pod-ports.ts";
import { duplicate, invalidValue, outside, required, tooMany, unless, unsupported } from "./problem.ts";
import { portRange, serviceProtocols } from "./service-ports.ts";

const endpointsMax = 1000;
const portsMax = 100;

/** Nobody answers there for a Service, or the node itself would. */
const noEndpoints: readonly { readonly range: Cidr; readonly what: string }[] = [
  { range: parseCidr("0.0.0.0/8"), what: "unspecified (0.0.0.0/8)" },
  { range: parseCidr("127.0.0.0/8"), what: "in the loopback range (127.0.0.0/8)" },
  { range: parseCidr("169.254.0.0/16"), what: "in the link-local range (169.254.0.0/16)" },
  { range: parseCidr("224.0.0.0/4"), what: "in the multicast range (224.0.0.0/4)" },
];

export const endpointSliceKind: Kind<EndpointSlice> = {
  kind: "EndpointSlice",
  apiVersion: "discovery.k8s.io/v1",
  plural: "endpointslices",
  singular: "endpointslice",
  shortNames: [],
  categories: [],
  namespaced: true,
  fromJson: (json) => EndpointSlice.fromJSON(json),
  toJson: (slice) => EndpointSlice.toJSON(slice),
  wrap: (value) => ({ object: { $case: "endpointSlice", value } }),
  withDefaults: (slice) => ({
    ...slice,
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: slice.metadata ?? emptyMetadata,
    ports: slice.ports.map((port) => ({ ...port, name: port.name ?? "", protocol: port.protocol || "TCP" })),
  }),
  validate: (slice) => [
    ...validateMetadata(slice, { namespaced: true, nameProblem: subdomainNameProblem }),
    ...validateType(slice.addressType),
    ...(slice.endpoints.length > endpointsMax ? [tooMany("endpoints", slice.endpoints.length, endpointsMax)] : []),
    ...slice.endpoints.slice(0, endpointsMax).flatMap((endpoint, i) => validateEndpoint(endpoint, `endpoints[${i}]`)),
    ...validatePorts(slice.ports),
  ],
  validateUpdate(next, previous) {
    const problems = validateMetadataUpdate(next, previous);
    if (next.addressType !== previous.addressType) {
      problems.push(invalidValue("addressType", next.addressType, "field is immutable"));
    }
    return problems;
  },
};

function validateType(type: string | undefined): Problem[] {
  if (type === undefined || type === "") return [required("addressType")];
  return type === "IPv4" ? [] : [unsupported("addressType", type, ["IPv4"])];
}

function validateEndpoint({ addresses, hostname, nodeName }: Endpoint, path: string): Problem[] {
  const problems: Problem[] = [];
  if (addresses.length === 0) problems.push(required(`${path}.addresses`, "must contain at least 1 address"));
  for (const [i, address] of addresses.entries()) {
    problems.push(...unless(`${path}.addresses[${i}]`, address, addressProblem(address) ?? endpointProblem(address)));
  }
  if (hostname !== undefined) problems.push(...unless(`${path}.hostname`, hostname, labelNameProblem(hostname)));
  if (nodeName !== undefined) problems.push(...unless(`${path}.nodeName`, nodeName, subdomainNameProblem(nodeName)));
  return problems;
}

function endpointProblem(text: string): string | undefined {
  const address = parseIpv4(text);
  const found = noEndpoints.find(({ range }) => cidrContains(range, address));
  return found === undefined ? undefined : `may not be ${found.what}`;
}

function validatePorts(ports: EndpointSlice["ports"]): Problem[] {
  if (ports.length > portsMax) return [tooMany("ports", ports.length, portsMax)];
  const names = new Set<string>();
  return ports.flatMap(({ name = "", protocol = "", port }, i) => {
    const at = `ports[${i}]`;
    const problems = name === "" ? [] : unless(`${at}.name`, name, labelNameProblem(name));
    if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (!serviceProtocols.includes(protocol)) problems.push(unsupported(`${at}.protocol`, protocol, serviceProtocols));
    return [...problems, ...outside(`${at}.port`, port, portRange)];
  });
}
