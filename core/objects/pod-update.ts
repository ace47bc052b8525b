/* What of a running pod may change: its network, its node and its programs are facts by then. */

import { isJsonObject, type JsonObject, jsonEqual, own } from "../json.ts";
import type { Problem } from "./kind.ts";
import { forbidden, invalidValue } from "./problem.ts";

const mayChange =
  "pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing tolerations)";

/** Everything that is wrong with changing one pod into another, both as JSON and with defaults. */
export function validatePodSpecUpdate(next: unknown, previous: unknown): Problem[] {
  const after = specOf(next);
  const before = specOf(previous);
  const problems: Problem[] = [];
  const changed: string[] = [];
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const path = `spec.${field}`;
    const [is, was] = [own(after, field), own(before, field)];
    if (jsonEqual(is, was)) continue;
    if (field === "containers" || field === "initContainers") {
      const [have, had] = [listOf(is), listOf(was)];
      if (have.length !== had.length) problems.push(forbidden(path, "pod updates may not add or remove containers"));
      else for (const [i, item] of have.entries()) changed.push(...changesBesideImage(item, had[i], `${path}[${i}]`));
    } else if (field === "activeDeadlineSeconds") {
      problems.push(...validateDeadlineUpdate(is, was, path));
    } else if (field === "tolerations") {
      // Both come from `toJson`, which has one order of fields.
      const have = new Set(listOf(is).map((toleration) => JSON.stringify(withoutSeconds(toleration))));
      if (!listOf(was).every((toleration) => have.has(JSON.stringify(withoutSeconds(toleration))))) {
        problems.push(forbidden(path, "existing toleration can not be modified except its tolerationSeconds"));
      }
    } else {
      changed.push(path);
    }
  }
  if (changed.length > 0) problems.push(forbidden("spec", `${mayChange}; this one changes ${changed.join(", ")}`));
  return problems;
}

function changesBesideImage(is: unknown, was: unknown, path: string): string[] {
  if (!isJsonObject(is) || !isJsonObject(was)) return [path];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((field) => field !== "image" && !jsonEqual(own(is, field), own(was, field)))
    .map((field) => `${path}.${field}`);
}

function validateDeadlineUpdate(is: unknown, was: unknown, path: string): Problem[] {
  if (was === undefined) return [];
  if (typeof is !== "number") return [invalidValue(path, null, "must not be removed once it is set")];
  return typeof was === "number" && is > was
    ? [invalidValue(path, is, `must be less than or equal to previous value ${was}`)]
    : [];
}

function withoutSeconds(toleration: unknown): unknown {
  if (!isJsonObject(toleration)) return toleration;
  const { tolerationSeconds: _, ...rest } = toleration;
  return rest;
}

function specOf(pod: unknown): JsonObject {
  const spec = isJsonObject(pod) ? own(pod, "spec") : undefined;
  return isJsonObject(spec) ? spec : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
