/* ConfigMaps are shown whole, Secrets by their sizes only. */

import type { ConfigMap, Secret } from "#proto/podwire/v1/resources.ts";
import { printable } from "../printable.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, field, labelsField } from "./fields.ts";

export const configMapDescriber: Describer<ConfigMap> = {
  events: true,
  lines: (configMap) => [
    ...headLines(configMap),
    "",
    "Data",
    "====",
    ...sorted(configMap.data).flatMap(([key, value]) => [`${key}:`, "----", ...value.split("\n").map(printable), ""]),
    "",
    "BinaryData",
    "====",
    ...sorted(configMap.binaryData).map(([key, value]) => `${key}: ${byteCount(value)} bytes`),
    "",
  ],
};

export const secretDescriber: Describer<Secret> = {
  lines: (secret) => [
    ...headLines(secret),
    "",
    field("Type", secret.type),
    "",
    "Data",
    "====",
    ...sorted(secret.data).map(([key, value]) => `${key}:\t${byteCount(value)} bytes`),
  ],
};

function headLines({ metadata }: ConfigMap | Secret): string[] {
  return [
    field("Name", metadata?.name),
    field("Namespace", metadata?.namespace),
    ...labelsField("Labels", metadata?.labels ?? {}),
    ...annotationsField(metadata?.annotations ?? {}),
  ];
}

function sorted(map: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

function byteCount(base64: string): number {
  return Buffer.byteLength(base64, "base64");
}
