/* The rules of the ports of a pod's containers, and of the node's ports that they take. */

import type { Container, ContainerPort } from "#proto/podwire/v1/resources.ts";
import { readIpv4 } from "../ipv4.ts";
import { portNameProblem } from "../names.ts";
import type { Problem } from "./kind.ts";
import { duplicate, invalidValue, outside, required, unless, unsupported } from "./problem.ts";

const protocols = ["TCP", "UDP", "SCTP"];
const portRange = { min: 1, max: 65535 };

/** In the node's own network a container's port is the node's. */
export function portWithDefaults(port: ContainerPort, hostNetwork: boolean): ContainerPort {
  const hostPort = hostNetwork ? port.hostPort || port.containerPort : port.hostPort;
  return { ...port, protocol: port.protocol || "TCP", ...(hostPort === undefined ? {} : { hostPort }) };
}

export function validatePorts(ports: readonly ContainerPort[], path: string, hostNetwork: boolean): Problem[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `${path}[${i}]`;
    const { name = "", containerPort = 0, hostPort = 0, hostIP = "", protocol = "TCP" } = port;
    const problems: Problem[] = [];
    if (name !== "") {
      problems.push(...unless(`${at}.name`, name, portNameProblem(name)));
      if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (containerPort === 0) problems.push(required(`${at}.containerPort`));
    else problems.push(...outside(`${at}.containerPort`, containerPort, portRange));
    if (hostPort !== 0) problems.push(...outside(`${at}.hostPort`, hostPort, portRange));
    if (hostNetwork && hostPort !== containerPort) {
      problems.push(invalidValue(`${at}.containerPort`, containerPort, "must match `hostPort` when `hostNetwork` is true"));
    }
    if (hostIP !== "") problems.push(...unless(`${at}.hostIP`, hostIP, addressProblem(hostIP)));
    if (!protocols.includes(protocol)) problems.push(unsupported(`${at}.protocol`, protocol, protocols));
    return problems;
  });
}

/** Containers that run side by side can't share a port of the node. */
export function validateHostPorts(containers: readonly Container[], path: string): Problem[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports }, c) =>
    ports.flatMap(({ hostPort = 0, hostIP = "", protocol = "TCP" }, p) => {
      if (hostPort === 0) return [];
      const text = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(text)) return [duplicate(`${path}[${c}].ports[${p}].hostPort`, text)];
      taken.add(text);
      return [];
    }),
  );
}

export function addressProblem(text: string): string | undefined {
  return readIpv4(text) === undefined ? "must be a valid IP address, (e.g. 10.9.8.7); Podwire has IPv4 only" : undefined;
}
