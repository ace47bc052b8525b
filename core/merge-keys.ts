/* Which lists of objects merge item by item, and what tells their items apart: Kubernetes' patchMergeKey, for our kinds. */

import { isJsonObject, type Json, own } from "./json.ts";

/** By the end of a list's path, without indices: the fields that tell its items apart. */
const mergeKeys: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  ephemeralContainers: ["name"],
  volumes: ["name"],
  imagePullSecrets: ["name"],
  hostAliases: ["ip"],
  topologySpreadConstraints: ["topologyKey", "whenUnsatisfiable"],
  "containers.env": ["name"],
  "containers.ports": ["containerPort", "protocol"],
  "containers.volumeMounts": ["mountPath"],
  "containers.volumeDevices": ["devicePath"],
  "initContainers.env": ["name"],
  "initContainers.ports": ["containerPort", "protocol"],
  "initContainers.volumeMounts": ["mountPath"],
  "initContainers.volumeDevices": ["devicePath"],
  "spec.taints": ["key", "effect"],
  "spec.ports": ["port", "protocol"],
  readinessGates: ["conditionType"],
  "metadata.ownerReferences": ["uid"],
  "status.conditions": ["type"],
  "status.addresses": ["type"],
  // The items themselves.
  "metadata.finalizers": [],
};

/** What a key is where the user left it out and the control plane filled it in. */
const keyDefaults: Readonly<Record<string, string>> = { protocol: "TCP" };

/** Of the list at `path`, which has no indices; empty where the items are their own identity, undefined where the list is one value. */
export function mergeKeysOf(path: readonly string[]): readonly string[] | undefined {
  return own(mergeKeys, path.slice(-2).join(".")) ?? own(mergeKeys, path.at(-1) ?? "");
}

/** What tells an item apart, as text; undefined where it lacks a key. */
export function identityOf(item: Json, keys: readonly string[]): string | undefined {
  if (keys.length === 0) return typeof item === "string" ? JSON.stringify(item) : undefined;
  if (!isJsonObject(item)) return undefined;
  const values = keys.map((key) => own(item, key) ?? own(keyDefaults, key));
  return values.includes(undefined) ? undefined : JSON.stringify(values);
}
