/* A container's variables and where each comes from. */

import { own } from "#core/json.ts";
import type { Container, EnvFromSource, EnvVar, KeySelector, Pod } from "#proto/podwire/v1/resources.ts";
import { printable } from "../printable.ts";

export function environmentLines({ env, envFrom }: Container, pod: Pod): string[] {
  const from =
    envFrom.length === 0 ? [] : ["Environment Variables from:", ...envFrom.flatMap((source) => `  ${envFromText(source)}`)];
  if (env.length === 0) return [...from, "Environment:\t<none>"];
  return [...from, "Environment:", ...env.flatMap((variable) => variableLines(variable, pod))];
}

/** `settings\tConfigMap with prefix 'X_'\tOptional: false` */
function envFromText({ prefix, configMapRef, secretRef }: EnvFromSource): string {
  const kind = configMapRef === undefined ? "Secret" : "ConfigMap";
  const { name = "", optional = false } = configMapRef ?? secretRef ?? {};
  return `${name}\t${kind}${prefix ? ` with prefix '${printable(prefix)}'` : ""}\tOptional: ${optional}`;
}

function variableLines({ name = "", value = "", valueFrom }: EnvVar, pod: Pod): string[] {
  if (valueFrom === undefined) {
    const [first = "", ...more] = value.split("\n");
    return [`  ${name}:\t${printable(first)}`, ...more.map((line) => `  \t${printable(line)}`)];
  }
  const { fieldRef, configMapKeyRef, secretKeyRef, resourceFieldRef } = valueFrom;
  if (fieldRef !== undefined) {
    const { apiVersion = "v1", fieldPath = "" } = fieldRef;
    return [`  ${name}:\t${printable(metadataField(pod, fieldPath))} (${apiVersion}:${fieldPath})`];
  }
  if (configMapKeyRef !== undefined) return [`  ${name}:\t${keyText(configMapKeyRef, "of config map")}`];
  if (secretKeyRef !== undefined) return [`  ${name}:\t${keyText(secretKeyRef, "in secret")}`];
  return [`  ${name}:\t${printable(JSON.stringify(resourceFieldRef ?? {}))}`];
}

function keyText({ key = "", name = "", optional = false }: KeySelector, where: string): string {
  return `<set to the key '${key}' ${where} '${name}'>\tOptional: ${optional}`;
}

/** What is known of the pod before it runs: its metadata. */
function metadataField({ metadata }: Pod, path: string): string {
  const [, map, key = ""] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  if (map === "labels" || map === "annotations") return own(metadata?.[map] ?? {}, key) ?? "";
  const [, field] = /^metadata\.(name|namespace|uid)$/.exec(path) ?? [];
  return field === "name" || field === "namespace" || field === "uid" ? (metadata?.[field] ?? "") : "";
}
