import { isJsonObject, type Json } from "#core/json.ts";
import type { KeyToPath, Volume } from "#proto/podwire/v1/resources.ts";
import { field, indented } from "./fields.ts";

/** `Volumes:` with what each is. */
export function volumeLines(volumes: readonly Volume[]): string[] {
  if (volumes.length === 0) return ["Volumes:\t<none>"];
  return ["Volumes:", ...volumes.flatMap((volume) => [`  ${volume.name ?? ""}:`, ...indented(sourceLines(volume), 4)])];
}

function sourceLines({ name: _name, emptyDir, configMap, secret, ...kept }: Volume): string[] {
  if (emptyDir !== undefined) {
    return [
      field("Type", "EmptyDir (a temporary directory that shares a pod's lifetime)"),
      field("Medium", emptyDir.medium),
      field("SizeLimit", emptyDir.sizeLimit ?? "<unset>"),
    ];
  }
  if (configMap !== undefined) {
    return [
      field("Type", "ConfigMap (a volume populated by a ConfigMap)"),
      field("Name", configMap.name),
      ...itemLines(configMap.items),
      field("Optional", configMap.optional ?? false),
    ];
  }
  if (secret !== undefined) {
    return [
      field("Type", "Secret (a volume populated by a Secret)"),
      field("SecretName", secret.secretName),
      ...itemLines(secret.items),
      field("Optional", secret.optional ?? false),
    ];
  }
  const [type, source] = Object.entries(kept).find(([, value]) => value !== undefined) ?? ["<unknown>", undefined];
  return [field("Type", type.charAt(0).toUpperCase() + type.slice(1)), ...keptLines(source as Json | undefined)];
}

function itemLines(items: readonly KeyToPath[]): string[] {
  return items.length === 0 ? [] : ["Items:", ...indented(items.map(({ key = "", path = "" }) => field(key, path)))];
}

/** Of volumes that nothing acts on: their fields as they are. */
function keptLines(source: Json | undefined): string[] {
  if (!isJsonObject(source)) return [];
  return Object.entries(source).map(([key, value]) =>
    field(key.charAt(0).toUpperCase() + key.slice(1), typeof value === "string" ? value : JSON.stringify(value)),
  );
}
