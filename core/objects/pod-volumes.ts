/* The rules of a pod's volumes, and of what containers mount of them. */

import type { KeyToPath, Volume, VolumeMount } from "#proto/podwire/v1/resources.ts";
import { labelNameProblem } from "../names.ts";
import { parseQuantity, quantityProblem } from "../quantity.ts";
import { dataKeyProblem } from "./data.ts";
import type { Problem } from "./kind.ts";
import { duplicate, forbidden, invalidValue, notFound, required, unless } from "./problem.ts";

const sources = [
  "emptyDir",
  "configMap",
  "secret",
  "hostPath",
  "persistentVolumeClaim",
  "projected",
  "downwardAPI",
  "csi",
  "nfs",
] as const;
/** 0644 */
const defaultMode = 420;

/** A volume without a source is an emptyDir. */
export function volumeWithDefaults(volume: Volume): Volume {
  const { configMap, secret } = volume;
  return {
    ...volume,
    ...(sources.every((source) => volume[source] === undefined) ? { emptyDir: {} } : {}),
    ...(configMap === undefined ? {} : { configMap: { ...configMap, defaultMode: configMap.defaultMode ?? defaultMode } }),
    ...(secret === undefined ? {} : { secret: { ...secret, defaultMode: secret.defaultMode ?? defaultMode } }),
  };
}

export function validateVolumes(volumes: readonly Volume[], path: string): Problem[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, i) => {
    const at = `${path}[${i}]`;
    const { name = "" } = volume;
    const problems = name === "" ? [required(`${at}.name`)] : unless(`${at}.name`, name, labelNameProblem(name));
    if (name !== "" && names.has(name)) problems.push(duplicate(`${at}.name`, name));
    names.add(name);
    return [...problems, ...validateSource(volume, at)];
  });
}

function validateSource(volume: Volume, path: string): Problem[] {
  const { emptyDir, configMap, secret } = volume;
  const [, ...others] = sources.filter((source) => volume[source] !== undefined);
  const problems = others.map((source) => forbidden(`${path}.${source}`, "may not specify more than 1 volume type"));
  const sizeLimit = emptyDir?.sizeLimit;
  if (sizeLimit !== undefined) {
    const problem = quantityProblem(sizeLimit);
    if (problem !== undefined) problems.push(invalidValue(`${path}.emptyDir.sizeLimit`, sizeLimit, problem));
    else if (parseQuantity(sizeLimit) < 0n) {
      problems.push(forbidden(`${path}.emptyDir.sizeLimit`, "SizeLimit field must be a valid resource quantity"));
    }
  }
  if (configMap !== undefined) {
    if ((configMap.name ?? "") === "") problems.push(required(`${path}.configMap.name`));
    problems.push(...validateFiles(configMap, `${path}.configMap`));
  }
  if (secret !== undefined) {
    if ((secret.secretName ?? "") === "") problems.push(required(`${path}.secret.secretName`));
    problems.push(...validateFiles(secret, `${path}.secret`));
  }
  return problems;
}

interface Files {
  readonly defaultMode?: number | undefined;
  readonly items: readonly KeyToPath[];
}

function validateFiles({ defaultMode: mode, items }: Files, path: string): Problem[] {
  return [
    ...validateMode(mode, `${path}.defaultMode`),
    ...items.flatMap((item, i) => {
      const at = `${path}.items[${i}]`;
      const { key = "", path: to = "" } = item;
      return [
        ...(key === "" ? [required(`${at}.key`)] : unless(`${at}.key`, key, dataKeyProblem(key))),
        ...(to === "" ? [required(`${at}.path`)] : validateRelative(to, `${at}.path`)),
        ...(to.startsWith("..") && to !== ".." && !to.startsWith("../")
          ? [invalidValue(`${at}.path`, to, "must not start with '..'")]
          : []),
        ...validateMode(item.mode, `${at}.mode`),
      ];
    }),
  ];
}

function validateMode(mode: number | undefined, path: string): Problem[] {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [invalidValue(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}

function validateRelative(path: string, at: string): Problem[] {
  if (path.startsWith("/")) return [invalidValue(at, path, "must be a relative path")];
  return path.split("/").includes("..") ? [invalidValue(at, path, "must not contain '..'")] : [];
}

/** `volumes` holds the names of the pod's volumes. */
export function validateMounts(mounts: readonly VolumeMount[], path: string, volumes: ReadonlySet<string>): Problem[] {
  const places = new Set<string>();
  return mounts.flatMap((mount, i) => {
    const at = `${path}[${i}]`;
    const { name = "", mountPath = "", subPath = "" } = mount;
    const problems: Problem[] = [];
    if (name === "") problems.push(required(`${at}.name`));
    else if (!volumes.has(name)) problems.push(notFound(`${at}.name`, name));
    if (mountPath === "") problems.push(required(`${at}.mountPath`));
    else if (!mountPath.startsWith("/")) problems.push(invalidValue(`${at}.mountPath`, mountPath, "must be an absolute path"));
    if (mountPath !== "" && places.has(mountPath)) problems.push(invalidValue(`${at}.mountPath`, mountPath, "must be unique"));
    places.add(mountPath);
    if (subPath !== "") problems.push(...validateRelative(subPath, `${at}.subPath`));
    return problems;
  });
}
