/* The rules of a container's variables. */

import type { EnvFromSource, EnvVar, EnvVarSource, KeySelector, ObjectFieldSelector } from "#proto/podwire/v1/resources.ts";
import { subdomainNameProblem } from "../names.ts";
import { dataKeyProblem } from "./data.ts";
import type { Problem } from "./kind.ts";
import { invalidValue, required, unless, unsupported } from "./problem.ts";

const sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"] as const;

const fieldPaths = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

export function envWithDefaults(variable: EnvVar): EnvVar {
  const fieldRef = variable.valueFrom?.fieldRef;
  if (variable.valueFrom === undefined || fieldRef === undefined) return variable;
  return {
    ...variable,
    valueFrom: { ...variable.valueFrom, fieldRef: { ...fieldRef, apiVersion: fieldRef.apiVersion || "v1" } },
  };
}

export function validateEnv({ name = "", value = "", valueFrom }: EnvVar, path: string): Problem[] {
  const problems = name === "" ? [required(`${path}.name`)] : unless(`${path}.name`, name, variableNameProblem(name));
  if (valueFrom === undefined) return problems;
  if (value !== "") {
    problems.push(invalidValue(`${path}.valueFrom`, "", "may not be specified when `value` is not empty"));
  }
  return [...problems, ...validateSource(valueFrom, `${path}.valueFrom`)];
}

function validateSource(source: EnvVarSource, path: string): Problem[] {
  const given = sources.filter((name) => source[name] !== undefined);
  if (given.length === 0) {
    return [invalidValue(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`")];
  }
  const { fieldRef, configMapKeyRef, secretKeyRef } = source;
  return [
    ...(given.length > 1 ? [invalidValue(path, "", "may not have more than one field specified at a time")] : []),
    ...(fieldRef === undefined ? [] : validateFieldRef(fieldRef, `${path}.fieldRef`)),
    ...(configMapKeyRef === undefined ? [] : validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`)),
    ...(secretKeyRef === undefined ? [] : validateKeyRef(secretKeyRef, `${path}.secretKeyRef`)),
  ];
}

function validateFieldRef({ fieldPath = "" }: ObjectFieldSelector, path: string): Problem[] {
  const at = `${path}.fieldPath`;
  if (fieldPath === "") return [required(at)];
  if (fieldPaths.includes(fieldPath) || /^metadata\.(labels|annotations)\['[^']+'\]$/.test(fieldPath)) return [];
  return [unsupported(at, fieldPath, fieldPaths)];
}

function validateKeyRef({ name = "", key = "" }: KeySelector, path: string): Problem[] {
  return [
    ...(name === "" ? [required(`${path}.name`)] : unless(`${path}.name`, name, subdomainNameProblem(name))),
    ...(key === "" ? [required(`${path}.key`)] : unless(`${path}.key`, key, dataKeyProblem(key))),
  ];
}

export function validateEnvFrom({ prefix = "", configMapRef, secretRef }: EnvFromSource, path: string): Problem[] {
  const problems = prefix === "" ? [] : unless(`${path}.prefix`, prefix, variableNameProblem(prefix));
  if (configMapRef === undefined && secretRef === undefined) {
    problems.push(invalidValue(path, "", "must specify one of: `configMapRef` or `secretRef`"));
  } else if (configMapRef !== undefined && secretRef !== undefined) {
    problems.push(invalidValue(path, "", "may not have more than one field specified at a time"));
  }
  for (const [field, reference] of Object.entries({ configMapRef, secretRef })) {
    if (reference === undefined) continue;
    const { name = "" } = reference;
    const at = `${path}.${field}.name`;
    problems.push(...(name === "" ? [required(at)] : unless(at, name, subdomainNameProblem(name))));
  }
  return problems;
}

function variableNameProblem(name: string): string | undefined {
  if (/^[ -<>-~]+$/.test(name)) return undefined;
  return "a valid environment variable name must consist only of printable ASCII characters other than '='";
}
