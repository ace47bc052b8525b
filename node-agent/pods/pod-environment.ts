/* A container's environment variables, command and arguments, as a kubelet makes them. Pure. */

import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import type { Container, EnvFromSource, EnvVar, EnvVarSource, KeySelector, Pod, Service } from "#proto/podwire/v1/resources.ts";
import { type ConfigKind, type ConfigSources, configError, contentOf, notFound } from "./config-sources.ts";
import { serviceVariables } from "./service-variables.ts";

export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly sources: ConfigSources;
  /** Of the whole cluster. */
  readonly services: Iterable<Service>;
  readonly nodeAddress: Ipv4;
  readonly address: Ipv4;
}

/**
 * The variables that the container declares, and those that tell it of Services; those of `env` win over those of `envFrom`, which win
 * over Services'. Throws what `configError` makes where a ConfigMap, a Secret or a key is missing that isn't optional.
 */
export function declaredVariables(input: EnvironmentInput): Map<string, string> {
  const { container } = input;
  const ofServices = serviceVariables(input.pod, input.services);
  const variables = new Map([...ofServices, ...container.envFrom.flatMap((source) => [...variablesFrom(source, input)])]);
  // A kubelet looks references up among Services' and the earlier variables of `env`, and nowhere else.
  const earlier = new Map(ofServices);
  for (const variable of container.env) {
    const value = textOfVariable(variable, earlier, input);
    if (value === undefined) continue;
    earlier.set(variable.name ?? "", value);
    variables.set(variable.name ?? "", value);
  }
  return variables;
}

/** `$(NAME)` becomes the variable's value and `$$` a dollar; an unknown name stays as it is written. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (variables.get(name) ?? whole),
  );
}

function variablesFrom({ prefix = "", configMapRef, secretRef }: EnvFromSource, input: EnvironmentInput): Map<string, string> {
  const kind: ConfigKind = configMapRef === undefined ? "Secret" : "ConfigMap";
  const { name = "", optional = false } = configMapRef ?? secretRef ?? {};
  const content = textsOf(kind, name, input);
  if (content === undefined) {
    if (optional) return new Map();
    throw configError(notFound(kind, name));
  }
  const named = [...content].map(([key, value]) => [`${prefix}${key}`, value] as const);
  return new Map(named.filter(([name]) => isVariableName(name)));
}

/** A key that begins with a digit makes no variable. */
function isVariableName(name: string): boolean {
  return /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) && name !== "." && !name.startsWith("..");
}

function textOfVariable({ value = "", valueFrom }: EnvVar, earlier: ReadonlyMap<string, string>, input: EnvironmentInput) {
  if (value !== "" || valueFrom === undefined) return expand(value, earlier);
  return sourceOf(valueFrom, input);
}

function sourceOf({ fieldRef, configMapKeyRef, secretKeyRef }: EnvVarSource, input: EnvironmentInput): string | undefined {
  if (fieldRef !== undefined) return fieldOf(fieldRef.fieldPath ?? "", input);
  if (configMapKeyRef !== undefined) return keyOf("ConfigMap", configMapKeyRef, input);
  if (secretKeyRef !== undefined) return keyOf("Secret", secretKeyRef, input);
  return "";
}

function keyOf(kind: ConfigKind, { name = "", key = "", optional = false }: KeySelector, input: EnvironmentInput) {
  const content = textsOf(kind, name, input);
  const value = content?.get(key);
  if (value !== undefined || optional) return value;
  if (content === undefined) throw configError(notFound(kind, name));
  throw configError(`couldn't find key ${key} in ${kind} ${input.pod.metadata?.namespace}/${name}`);
}

/** A ConfigMap's binary data makes no variables. */
function textsOf(kind: ConfigKind, name: string, { pod, sources }: EnvironmentInput): Map<string, string> | undefined {
  const namespace = pod.metadata?.namespace ?? "";
  const content = contentOf(sources, kind, namespace, name);
  if (content === undefined) return undefined;
  const binary = kind === "ConfigMap" ? (sources.configMaps.get(`${namespace}/${name}`)?.binaryData ?? {}) : {};
  return new Map([...content].filter(([key]) => !Object.hasOwn(binary, key)).map(([key, bytes]) => [key, bytes.toString()]));
}

function fieldOf(path: string, { pod, nodeAddress, address }: EnvironmentInput): string {
  const subscript = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(path);
  if (subscript !== null) {
    const texts = subscript[1] === "labels" ? pod.metadata?.labels : pod.metadata?.annotations;
    const key = subscript[2] ?? "";
    return texts !== undefined && Object.hasOwn(texts, key) ? (texts[key] ?? "") : "";
  }
  const fields: ReadonlyMap<string, string | undefined> = new Map([
    ["metadata.name", pod.metadata?.name],
    ["metadata.namespace", pod.metadata?.namespace],
    ["metadata.uid", pod.metadata?.uid],
    ["spec.nodeName", pod.spec?.nodeName],
    ["spec.serviceAccountName", pod.spec?.serviceAccountName || "default"],
    ["status.hostIP", formatIpv4(nodeAddress)],
    ["status.hostIPs", formatIpv4(nodeAddress)],
    ["status.podIP", formatIpv4(address)],
    ["status.podIPs", formatIpv4(address)],
  ]);
  if (!fields.has(path)) {
    throw configError(
      `fieldPath "${path}" is not supported: use ${[...fields.keys()].join(", ")}, metadata.labels['…'] or metadata.annotations['…']`,
    );
  }
  return fields.get(path) ?? "";
}
