/* The rules of a pod's containers. */

import type { Container, ContainerPort, EnvVar } from "#proto/podwire/v1/resources.ts";
import { labelNameProblem, portNameProblem } from "../names.ts";
import type { Problem } from "./kind.ts";
import { duplicate, invalidValue, required, unless, unsupported } from "./problem.ts";

const protocols = ["TCP", "UDP", "SCTP"];
const pullPolicies = ["Always", "IfNotPresent", "Never"];

export function containerWithDefaults(container: Container): Container {
  return {
    ...container,
    imagePullPolicy: container.imagePullPolicy || (isLatest(container.image ?? "") ? "Always" : "IfNotPresent"),
    ports: container.ports.map((port) => ({ ...port, protocol: port.protocol || "TCP" })),
  };
}

export function validateContainers(containers: readonly Container[], path: string): Problem[] {
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  return containers.flatMap((container, i) => {
    const problems = validateContainer(container, `${path}[${i}]`);
    const { name = "" } = container;
    if (name !== "" && names.has(name)) problems.push(duplicate(`${path}[${i}].name`, name));
    names.add(name);
    return problems;
  });
}

function validateContainer(container: Container, path: string): Problem[] {
  const { name = "", image = "", imagePullPolicy = "" } = container;
  const problems: Problem[] = [];
  if (name === "") problems.push(required(`${path}.name`));
  else problems.push(...unless(`${path}.name`, name, labelNameProblem(name)));
  if (image === "") problems.push(required(`${path}.image`));
  else if (image !== image.trim()) {
    problems.push(invalidValue(`${path}.image`, image, "must not have leading or trailing whitespace"));
  }
  if (imagePullPolicy !== "" && !pullPolicies.includes(imagePullPolicy)) {
    problems.push(unsupported(`${path}.imagePullPolicy`, imagePullPolicy, pullPolicies));
  }
  problems.push(...validatePorts(container.ports, `${path}.ports`));
  problems.push(...container.env.flatMap((variable, i) => validateEnv(variable, `${path}.env[${i}]`)));
  return problems;
}

function validatePorts(ports: readonly ContainerPort[], path: string): Problem[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `${path}[${i}]`;
    const { name = "", containerPort = 0, protocol = "TCP" } = port;
    const problems: Problem[] = [];
    if (name !== "") {
      problems.push(...unless(`${at}.name`, name, portNameProblem(name)));
      if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (containerPort === 0) problems.push(required(`${at}.containerPort`));
    else problems.push(...validatePortNumber(containerPort, `${at}.containerPort`));
    if (port.hostPort !== undefined && port.hostPort !== 0) problems.push(...validatePortNumber(port.hostPort, `${at}.hostPort`));
    if (!protocols.includes(protocol)) problems.push(unsupported(`${at}.protocol`, protocol, protocols));
    return problems;
  });
}

function validatePortNumber(port: number, path: string): Problem[] {
  return port >= 1 && port <= 65535 ? [] : [invalidValue(path, port, "must be between 1 and 65535, inclusive")];
}

function validateEnv({ name = "", value = "", valueFrom }: EnvVar, path: string): Problem[] {
  const problems: Problem[] = [];
  if (name === "") problems.push(required(`${path}.name`));
  else if (!/^[ -<>-~]+$/.test(name)) {
    problems.push(
      invalidValue(
        `${path}.name`,
        name,
        "a valid environment variable name must consist only of printable ASCII characters other than '='",
      ),
    );
  }
  if (value !== "" && valueFrom !== undefined) {
    problems.push(invalidValue(`${path}.valueFrom`, valueFrom, "may not be specified when `value` is not empty"));
  }
  return problems;
}

/** Whether an image has the tag `latest`, or none and no digest, which means the same. */
function isLatest(image: string): boolean {
  if (image.includes("@")) return false;
  const tag = image
    .slice(image.lastIndexOf("/") + 1)
    .split(":")
    .at(1);
  return tag === undefined || tag === "latest";
}
