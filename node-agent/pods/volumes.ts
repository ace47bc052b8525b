/* A pod's volumes, each a folder POD/volumes/NAME that its containers share. What is in memory there, a Secret's keys or what asked for
 * it, is a file system of its own, which outlives the agent and is found again by its mount point. */

import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "#core/errors.ts";
import { parseQuantity } from "#core/quantity.ts";
import { checkUser } from "#kernel/container-rights.ts";
import type { ContainerMount } from "#kernel/containers.ts";
import { isMountPoint, mountTmpfs, type TmpfsOptions, unmount } from "#kernel/mounts.ts";
import type { Container, EmptyDirVolume, Pod, Volume } from "#proto/podwire/v1/resources.ts";
import { type ConfigSources, configError } from "./config-sources.ts";
import { type ProjectedFile, projectedFiles } from "./projected-files.ts";
import { writeProjected } from "./projected-folder.ts";

const billion = 1_000_000_000n;

export interface VolumesInput {
  readonly pod: Pod;
  readonly sources: ConfigSources;
  readonly podFolder: string;
}

/**
 * Makes what is absent and brings ConfigMaps and Secrets up to date, so that it may be called as often as something changed. Only volumes
 * that a container mounts are made. Throws an AppError with the reason FailedMount.
 */
export function prepareVolumes({ pod, sources, podFolder }: VolumesInput): void {
  for (const volume of mountedVolumes(pod)) {
    const folder = folderOf(podFolder, volume.name ?? "");
    const group = pod.spec?.securityContext?.fsGroup;
    try {
      if (group !== undefined) checkUser({ uid: 0, gid: group, groups: [] });
      if (volume.emptyDir !== undefined) prepareEmptyDir(folder, volume.emptyDir, group);
      else prepareProjected(folder, volume, projectedFiles(volume, pod.metadata?.namespace ?? "", sources), group);
    } catch (error) {
      throw failedMount(volume.name ?? "", error);
    }
  }
}

/** Before the pod's folder is removed; of a pod whose volumes were never made, too. */
export function removeVolumes(podFolder: string): void {
  for (const name of readdirIfThere(volumesFolder(podFolder))) {
    const folder = folderOf(podFolder, name);
    while (unmount(folder)) {}
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where each volume goes in this container. Throws an AppError with the reason FailedMount for a kind of volume that there is none of. */
export function volumeMountsOf(pod: Pod, container: Container, podFolder: string): ContainerMount[] {
  return container.volumeMounts.map(({ name = "", mountPath = "", subPath = "", readOnly = false }) => {
    const volume = pod.spec?.volumes.find((one) => one.name === name);
    if (volume === undefined) throw configError(`volumeMount "${name}" names no volume of the pod`);
    if (!isSupported(volume)) throw failedMount(name, new Error(unsupportedMessage(volume)));
    return {
      source: folderOf(podFolder, name),
      ...(subPath === "" ? {} : { subPath }),
      target: mountPath,
      readOnly: readOnly || volume.emptyDir === undefined,
    };
  });
}

function mountedVolumes(pod: Pod): Volume[] {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const mounted = new Set(containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name)));
  return (pod.spec?.volumes ?? []).filter((volume) => mounted.has(volume.name) && isSupported(volume));
}

function isSupported({ emptyDir, configMap, secret }: Volume): boolean {
  return emptyDir !== undefined || configMap !== undefined || secret !== undefined;
}

function unsupportedMessage({ name: _, emptyDir: _1, configMap: _2, secret: _3, ...others }: Volume): string {
  const kind = Object.entries(others).find(([, value]) => value !== undefined)?.[0] ?? "of its kind";
  return `Podwire has no ${kind} volumes: use emptyDir, configMap or secret`;
}

function prepareEmptyDir(folder: string, { medium = "", sizeLimit }: EmptyDirVolume, group: number | undefined): void {
  const sizeBytes = sizeLimit === undefined ? undefined : Number(parseQuantity(sizeLimit) / billion);
  const mode = group === undefined ? 0o777 : 0o2777;
  if (medium === "Memory" || (sizeBytes ?? 0) > 0) {
    mkdirSync(folder, { recursive: true });
    mountOnce(folder, { mode, sizeBytes, group });
    return;
  }
  // Made as a whole or not at all: from then on its owner and mode are the containers' affair.
  if (existsSync(folder)) return;
  const fresh = `${folder}.new`;
  mkdirSync(fresh, { recursive: true });
  if (group !== undefined) chownSync(fresh, 0, group);
  chmodSync(fresh, mode);
  renameSync(fresh, folder);
}

function prepareProjected(folder: string, volume: Volume, files: readonly ProjectedFile[], group: number | undefined): void {
  mkdirSync(folder, { recursive: true });
  if (volume.secret !== undefined) mountOnce(folder, { mode: 0o755 });
  chmodSync(folder, 0o755);
  writeProjected(folder, files, group);
}

function mountOnce(folder: string, options: TmpfsOptions): void {
  if (!isMountPoint(folder)) mountTmpfs(folder, options);
}

function failedMount(volume: string, cause: unknown): AppError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new AppError("failed-precondition", `MountVolume.SetUp failed for volume "${volume}" : ${message}`, {
    reason: "FailedMount",
    cause,
  });
}

function volumesFolder(podFolder: string): string {
  return join(podFolder, "volumes");
}

function folderOf(podFolder: string, name: string): string {
  return join(volumesFolder(podFolder), name);
}

function readdirIfThere(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
