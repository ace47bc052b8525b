/* The rules of a pod's containers; those of their larger parts are in the files pod-*.ts. */

import type { Container, SecurityContext } from "#proto/podwire/v1/resources.ts";
import { labelNameProblem } from "../names.ts";
import type { Problem } from "./kind.ts";
import { envWithDefaults, validateEnv, validateEnvFrom } from "./pod-env.ts";
import { portWithDefaults, validatePorts } from "./pod-ports.ts";
import { lifecycleWithDefaults, probeWithDefaults, validateLifecycle, validateProbes } from "./pod-probe.ts";
import { resourcesWithDefaults, validateResources } from "./pod-resources.ts";
import { validateMounts } from "./pod-volumes.ts";
import { duplicate, forbidden, invalidValue, outside, required, unless, unsupported } from "./problem.ts";

const pullPolicies = ["Always", "IfNotPresent", "Never"];
const messagePolicies = ["FallbackToLogsOnError", "File"];

export const idRange = { min: 0, max: 2147483647 };

export function containerWithDefaults(container: Container, hostNetwork: boolean): Container {
  const { resources, livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  return {
    ...container,
    env: container.env.map(envWithDefaults),
    ports: container.ports.map((port) => portWithDefaults(port, hostNetwork)),
    resources: resources && resourcesWithDefaults(resources),
    livenessProbe: livenessProbe && probeWithDefaults(livenessProbe),
    readinessProbe: readinessProbe && probeWithDefaults(readinessProbe),
    startupProbe: startupProbe && probeWithDefaults(startupProbe),
    lifecycle: lifecycle && lifecycleWithDefaults(lifecycle),
    terminationMessagePath: container.terminationMessagePath || "/dev/termination-log",
    terminationMessagePolicy: container.terminationMessagePolicy || "File",
    imagePullPolicy: container.imagePullPolicy || (isLatest(container.image ?? "") ? "Always" : "IfNotPresent"),
  };
}

export interface ContainerRules {
  /** The names of the pod's volumes. */
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
  /** How long the pod has to end. */
  readonly graceSeconds: number;
}

export function validateContainers(containers: readonly Container[], path: string, rules: ContainerRules): Problem[] {
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  return containers.flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const problems = validateContainer(container, at, rules);
    problems.push(...repeatedName(container, at, names), ...validateRunning(container, at, rules));
    if ((container.restartPolicy ?? "") !== "") {
      problems.push(forbidden(`${at}.restartPolicy`, "may not be set for non-init containers"));
    }
    return problems;
  });
}

/** `taken` holds the names of the containers. */
export function validateInitContainers(
  containers: readonly Container[],
  path: string,
  rules: ContainerRules & { readonly taken: ReadonlySet<string> },
): Problem[] {
  const names = new Set(rules.taken);
  return containers.flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const { restartPolicy = "" } = container;
    const problems = [...validateContainer(container, at, rules), ...repeatedName(container, at, names)];
    if (restartPolicy === "Always") return [...problems, ...validateRunning(container, at, rules)];
    if (restartPolicy !== "") problems.push(unsupported(`${at}.restartPolicy`, restartPolicy, ["Always"]));
    for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
      if (container[field] === undefined) continue;
      problems.push(forbidden(`${at}.${field}`, "may not be set for init containers without restartPolicy=Always"));
    }
    return problems;
  });
}

function repeatedName({ name = "" }: Container, path: string, names: Set<string>): Problem[] {
  const isTaken = name !== "" && names.has(name);
  names.add(name);
  return isTaken ? [duplicate(`${path}.name`, name)] : [];
}

/** What a container has that runs beside others. */
function validateRunning(container: Container, path: string, { graceSeconds }: ContainerRules): Problem[] {
  const { lifecycle } = container;
  return [
    ...validateProbes(container, path),
    ...(lifecycle === undefined ? [] : validateLifecycle(lifecycle, `${path}.lifecycle`, graceSeconds)),
  ];
}

function validateContainer(container: Container, path: string, { volumes, hostNetwork }: ContainerRules): Problem[] {
  const { name = "", image = "", imagePullPolicy = "", terminationMessagePolicy = "", resources, securityContext } = container;
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
  if (terminationMessagePolicy !== "" && !messagePolicies.includes(terminationMessagePolicy)) {
    problems.push(unsupported(`${path}.terminationMessagePolicy`, terminationMessagePolicy, messagePolicies));
  }
  problems.push(...validatePorts(container.ports, `${path}.ports`, hostNetwork));
  problems.push(...container.env.flatMap((variable, i) => validateEnv(variable, `${path}.env[${i}]`)));
  problems.push(...container.envFrom.flatMap((source, i) => validateEnvFrom(source, `${path}.envFrom[${i}]`)));
  problems.push(...validateMounts(container.volumeMounts, `${path}.volumeMounts`, volumes));
  if (resources !== undefined) problems.push(...validateResources(resources, `${path}.resources`));
  if (securityContext !== undefined) problems.push(...validateSecurity(securityContext, `${path}.securityContext`));
  return problems;
}

function validateSecurity({ runAsUser, runAsGroup }: SecurityContext, path: string): Problem[] {
  return [...outside(`${path}.runAsUser`, runAsUser, idRange), ...outside(`${path}.runAsGroup`, runAsGroup, idRange)];
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
