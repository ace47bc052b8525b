/* What may be asked of a cluster's hosts, and what is answered: a JSON object each, a line each. Pure. */

import { AppError, type ErrorKind, errorKinds, invalid, isAppError, messageOf } from "#core/errors.ts";
import { isJsonObject, type JsonObject } from "#core/json.ts";
import { labelValueProblem, qualifiedNameProblem } from "#core/names.ts";
import type { Labels } from "./host-plan.ts";
import type { HostPower } from "./host-power.ts";

export type HostRequest =
  | { readonly op: "list" }
  /** Answers the new hosts. `taken` are names that none of them may get. */
  | { readonly op: "add"; readonly count: number; readonly labels: Labels; readonly taken: readonly string[] }
  /** Boots one that is off: the same host as before. */
  | { readonly op: "start"; readonly name: string }
  /** An orderly end: pods get their grace period, all together at most `timeoutMs`. */
  | { readonly op: "stop"; readonly name: string; readonly timeoutMs: number }
  /** Cuts the power. */
  | { readonly op: "kill"; readonly name: string }
  /** Forgets one that is off, and all that it had on disk. Its Node object is the affair of whoever asks. */
  | { readonly op: "remove"; readonly name: string };

export interface HostInfo {
  readonly name: string;
  readonly address: string;
  readonly labels: Labels;
  readonly power: HostPower;
  /** As its node tells it, in status.nodeInfo, once that is Ready; absent where the host is off. */
  readonly bootID?: string;
  /** Of its first process, as the sandbox numbers it: whoever enters that one's namespaces is on the host. Absent where it is off. */
  readonly pid?: number;
}

/** The hosts that the request was about; all of them for "list". */
export type HostAnswer =
  | { readonly hosts: readonly HostInfo[] }
  | { readonly error: { readonly kind: ErrorKind; readonly message: string } };

export const lineBytesMax = 256 * 1024;
const stopMsMax = 3_600_000;

/** Throws "invalid". */
export function parseHostRequest(line: string): HostRequest {
  const request = parseObject(line);
  const { op } = request;
  switch (op) {
    case "list":
      return { op };
    case "add":
      return {
        op,
        count: wholeNumber(request, "count", { min: 1, max: 1_000 }),
        labels: labelsOf(request),
        taken: wordsOf(request, "taken"),
      };
    case "start":
    case "kill":
    case "remove":
      return { op, name: wordOf(request, "name") };
    case "stop":
      return {
        op,
        name: wordOf(request, "name"),
        timeoutMs: wholeNumber(request, "timeoutMs", { min: 0, max: stopMsMax }),
      };
    default:
      throw invalid(`op ${JSON.stringify(op)}: want list, add, start, stop, kill or remove`);
  }
}

export function failedAnswer(error: unknown): HostAnswer {
  return { error: { kind: isAppError(error) ? error.kind : "internal", message: messageOf(error) } };
}

/** Throws the error that was answered. */
export function parseHostAnswer(line: string): readonly HostInfo[] {
  const answer = parseObject(line) as HostAnswer;
  if ("hosts" in answer) return answer.hosts;
  const { kind, message } = answer.error;
  throw new AppError(errorKinds.includes(kind) ? kind : "internal", message);
}

function parseObject(line: string): JsonObject {
  try {
    const value: unknown = JSON.parse(line);
    if (isJsonObject(value)) return value;
  } catch {
    // Not even JSON.
  }
  throw invalid("want a JSON object on one line");
}

function wordOf(request: JsonObject, field: string): string {
  const value = request[field];
  if (typeof value === "string" && value !== "") return value;
  throw invalid(`${field}: want a name`);
}

function wordsOf(request: JsonObject, field: string): string[] {
  const value = request[field] ?? [];
  if (Array.isArray(value) && value.every((word) => typeof word === "string")) return value;
  throw invalid(`${field}: want a list of names`);
}

function wholeNumber(request: JsonObject, field: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const value = request[field];
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(`${field}: want a whole number from ${min} to ${max}`);
}

function labelsOf(request: JsonObject): Labels {
  const labels = request.labels ?? {};
  if (!isJsonObject(labels)) throw invalid("labels: want an object");
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => {
      if (typeof value !== "string") throw invalid(`label "${key}": want a word`);
      const problem = qualifiedNameProblem(key) ?? labelValueProblem(value);
      if (problem !== undefined) throw invalid(`label "${key}=${value}": ${problem}`);
      return [key, value];
    }),
  );
}
