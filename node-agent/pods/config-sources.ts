/* The ConfigMaps and Secrets that this node's pods name, and how what is missing is said, in a kubelet's words. */

import { AppError } from "#core/errors.ts";
import type { ConfigMap, Secret } from "#proto/podwire/v1/resources.ts";

/** Both by namespace/name. */
export interface ConfigSources {
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
}

export const noConfig: ConfigSources = { configMaps: new Map(), secrets: new Map() };

export type ConfigKind = "ConfigMap" | "Secret";

/** What an object holds, by key; undefined where there is no such object. */
export function contentOf(
  sources: ConfigSources,
  kind: ConfigKind,
  namespace: string,
  name: string,
): ReadonlyMap<string, Buffer> | undefined {
  const key = `${namespace}/${name}`;
  if (kind === "ConfigMap") {
    const found = sources.configMaps.get(key);
    if (found === undefined) return undefined;
    return new Map([
      ...Object.entries(found.data).map(([name, text]) => [name, Buffer.from(text)] as const),
      ...Object.entries(found.binaryData).map(([name, text]) => [name, Buffer.from(text, "base64")] as const),
    ]);
  }
  const found = sources.secrets.get(key);
  if (found === undefined) return undefined;
  return new Map(Object.entries(found.data).map(([name, text]) => [name, Buffer.from(text, "base64")]));
}

export function notFound(kind: ConfigKind, name: string): string {
  return `${kind.toLowerCase()} "${name}" not found`;
}

/** The container waits, with this as its reason, and goes on when the fault is gone. */
export function configError(message: string): AppError {
  return new AppError("failed-precondition", message, { reason: "CreateContainerConfigError" });
}
