/* The rules of a Service's ports. */

import type { ServicePort, ServiceSpec } from "#proto/podwire/v1/resources.ts";
import { labelNameProblem, portNameProblem, qualifiedNameProblem } from "../names.ts";
import { hasNodePorts, serviceTypeOf } from "../services/service-type.ts";
import type { Problem } from "./kind.ts";
import { duplicate, forbidden, invalidValue, outside, required, unless, unsupported } from "./problem.ts";

/** SCTP is left out: there is nothing here that would carry it. */
export const serviceProtocols: readonly string[] = ["TCP", "UDP"];
export const portRange = { min: 1, max: 65535 };

export function servicePortWithDefaults(port: ServicePort): ServicePort {
  const targetPort =
    port.targetPort === undefined || port.targetPort === "" || port.targetPort === 0 ? port.port : port.targetPort;
  // 0 asks for one, as in Kubernetes.
  const nodePort = port.nodePort || undefined;
  return { ...port, protocol: port.protocol || "TCP", targetPort, nodePort };
}

export function validateServicePorts(spec: ServiceSpec, path: string): Problem[] {
  const { ports, clusterIP } = spec;
  if (ports.length === 0) return clusterIP === "None" || spec.type === "ExternalName" ? [] : [required(path)];
  return [
    ...ports.flatMap((port, i) => validatePort(port, `${path}[${i}]`, { spec, nameNeeded: ports.length > 1 })),
    ...repeated(ports, path),
  ];
}

function validatePort(
  port: ServicePort,
  at: string,
  { spec, nameNeeded }: { readonly spec: ServiceSpec; readonly nameNeeded: boolean },
): Problem[] {
  const { name = "", protocol = "", targetPort, nodePort, appProtocol } = port;
  const problems: Problem[] = [];
  if (name !== "") problems.push(...unless(`${at}.name`, name, labelNameProblem(name)));
  else if (nameNeeded) problems.push(required(`${at}.name`));
  if (port.port === undefined) problems.push(required(`${at}.port`));
  else problems.push(...outside(`${at}.port`, port.port, portRange));
  if (!serviceProtocols.includes(protocol)) problems.push(unsupported(`${at}.protocol`, protocol, serviceProtocols));
  if (targetPort !== undefined) problems.push(...validateTarget(targetPort, `${at}.targetPort`));
  if (spec.clusterIP === "None" && typeof targetPort === "number" && targetPort !== port.port) {
    problems.push(invalidValue(`${at}.targetPort`, targetPort, "must be equal to the value of 'port' when clusterIP = None"));
  }
  if (nodePort !== undefined) {
    if (hasNodePorts(spec)) problems.push(...outside(`${at}.nodePort`, nodePort, portRange));
    else if (!serviceTypeOf(spec).isExternal) {
      problems.push(forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`));
    }
  }
  if (appProtocol !== undefined) problems.push(...unless(`${at}.appProtocol`, appProtocol, qualifiedNameProblem(appProtocol)));
  return problems;
}

function validateTarget(target: unknown, at: string): Problem[] {
  if (typeof target === "number") {
    return Number.isInteger(target) ? outside(at, target, portRange) : [invalidValue(at, target, "must be a whole number")];
  }
  if (typeof target === "string") return unless(at, target, portNameProblem(target));
  return [invalidValue(at, target, "must be a port's number or its name")];
}

function repeated(ports: readonly ServicePort[], path: string): Problem[] {
  const seen = { name: new Set<string>(), port: new Set<string>(), nodePort: new Set<string>() };
  const again = (set: Set<string>, text: string) => set.size === set.add(text).size;
  return ports.flatMap(({ name = "", protocol, port, nodePort }, i) => [
    ...(name !== "" && again(seen.name, name) ? [duplicate(`${path}[${i}].name`, name)] : []),
    ...(again(seen.port, `${protocol}/${port}`) ? [duplicate(`${path}[${i}]`, `${protocol}/${port}`)] : []),
    ...(nodePort !== undefined && again(seen.nodePort, `${protocol}/${nodePort}`)
      ? [duplicate(`${path}[${i}].nodePort`, nodePort)]
      : []),
  ]);
}
