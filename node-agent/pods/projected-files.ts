/* The files of a configMap or a secret volume, as a kubelet makes them. Pure. */

import { AppError } from "#core/errors.ts";
import type { KeyToPath, Volume } from "#proto/podwire/v1/resources.ts";
import { type ConfigKind, type ConfigSources, contentOf, notFound } from "./config-sources.ts";

export interface ProjectedFile {
  /** Relative, without "..". */
  readonly path: string;
  readonly bytes: Buffer;
  readonly mode: number;
}

interface Projection {
  readonly kind: ConfigKind;
  readonly name: string;
  readonly items: readonly KeyToPath[];
  readonly defaultMode: number;
  readonly optional: boolean;
}

/** Throws where the object or a key of it is missing that isn't optional. */
export function projectedFiles(volume: Volume, namespace: string, sources: ConfigSources): ProjectedFile[] {
  const { kind, name, items, defaultMode, optional } = projectionOf(volume);
  const content = contentOf(sources, kind, namespace, name);
  if (content === undefined) {
    if (optional) return [];
    throw new AppError("not-found", notFound(kind, name));
  }
  if (items.length === 0) return [...content].map(([key, bytes]) => ({ path: key, bytes, mode: defaultMode }));
  return items.flatMap(({ key = "", path = "", mode }) => {
    const bytes = content.get(key);
    if (path.startsWith("/") || path.split("/").includes("..") || path.startsWith("..") || path === "") {
      throw new AppError("invalid", `invalid path "${path}": it must be relative and lead nowhere else`);
    }
    if (bytes !== undefined) return [{ path, bytes, mode: mode ?? defaultMode }];
    if (optional) return [];
    throw new AppError("not-found", `references non-existent ${kind === "ConfigMap" ? "config" : "secret"} key: ${key}`);
  });
}

function projectionOf({ configMap, secret }: Volume): Projection {
  const { items = [], defaultMode = 0o644, optional = false } = configMap ?? secret ?? {};
  const common = { items, defaultMode, optional };
  if (configMap !== undefined) return { kind: "ConfigMap", name: configMap.name ?? "", ...common };
  return { kind: "Secret", name: secret?.secretName ?? "", ...common };
}
