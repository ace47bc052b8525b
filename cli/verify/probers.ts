/* The pods that verify makes, and what they report. */

import { aborted } from "#core/aborted.ts";
import { AppError } from "#core/errors.ts";
import { findKind } from "#core/objects/kinds.ts";
import type { ExecRequest } from "#proto/podwire/v1/cluster.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { ProbeLine, Target } from "../../toolbox/probe.mts";
import type { Connection } from "../connect.ts";
import { follow } from "../objects.ts";
import { type PlacedProber, type Prober, proberManifest } from "./plan.ts";

/** Makes the namespace and the pods, all or none. */
export async function makeProbers(
  connection: Connection,
  namespace: string,
  probers: readonly Prober[],
  signal: AbortSignal,
): Promise<void> {
  const objects = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    ...probers.map((prober) => proberManifest(prober, namespace)),
  ];
  // The namespace must exist when its pods are checked.
  for (const batch of [objects.slice(0, 1), objects.slice(1)]) {
    const manifests = batch.map((object) => ({ json: JSON.stringify(object), source: "verify" }));
    await connection.client.create({ manifests, namespace, validate: "strict", dryRun: false }, { signal });
  }
}

/** Resolves when every prober runs, with its address; "timeout" names those that don't. */
export async function placedProbers(
  connection: Connection,
  namespace: string,
  probers: readonly Prober[],
  signal: AbortSignal,
): Promise<PlacedProber[]> {
  const kind = findKind("pods");
  if (kind === undefined) throw new Error("no kind for pods");
  const pods = new Map<string, Pod>();
  try {
    for await (const event of follow(connection, { kind, namespace }, signal)) {
      if (event.type === "synced") continue;
      const pod = event.item.object as Pod;
      pods.set(pod.metadata?.name ?? "", pod);
      if (probers.every(({ name }) => isRunning(pods.get(name)))) break;
    }
  } catch (error) {
    const late = probers
      .filter(({ name }) => !isRunning(pods.get(name)))
      .map(({ name }) => `${name} (${stateOf(pods.get(name))})`);
    throw new AppError("timeout", `these pods did not start: ${late.join(", ")}`, { cause: error });
  }
  return probers.map((prober) => ({ ...prober, address: pods.get(prober.name)?.status?.podIP ?? "" }));
}

/** What a prober finds, line by line. */
export async function* runProber(
  connection: Connection,
  { namespace, name, targets }: { readonly namespace: string; readonly name: string; readonly targets: readonly Target[] },
  signal: AbortSignal,
): AsyncGenerator<ProbeLine, void, undefined> {
  const over = new AbortController();
  let text = "";
  let errors = "";
  try {
    for await (const { frame } of connection.client.exec(requests(namespace, name, JSON.stringify({ targets }), over.signal), {
      signal,
    })) {
      if (frame?.$case === "stderr") errors += Buffer.from(frame.value).toString();
      if (frame?.$case === "error") throw new AppError("internal", `${name}: ${frame.value.message}`);
      if (frame?.$case === "exit" && frame.value.code !== 0) {
        throw new AppError("internal", `the prober in ${name} ended with exit code ${frame.value.code}: ${errors.trim()}`);
      }
      if (frame?.$case !== "stdout") continue;
      text += Buffer.from(frame.value).toString();
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as ProbeLine;
    }
  } finally {
    over.abort();
  }
}

async function* requests(namespace: string, pod: string, input: string, over: AbortSignal): AsyncGenerator<ExecRequest> {
  const start = { namespace, pod, container: "", command: ["toolbox", "probe"], stdin: true, tty: false };
  yield { message: { $case: "start", value: start } };
  const bytes = Buffer.from(input);
  for (let at = 0; at < bytes.length; at += 32 * 1024) {
    yield { message: { $case: "input", value: { frame: { $case: "stdin", value: bytes.subarray(at, at + 32 * 1024) } } } };
  }
  yield { message: { $case: "input", value: { frame: { $case: "stdinEnd", value: {} } } } };
  // The requests' end would end the call.
  await aborted(over);
}

/** Resolves when the namespace and all in it are gone. */
export async function removeProbers(connection: Connection, namespace: string, signal: AbortSignal): Promise<void> {
  const kind = findKind("namespaces");
  if (kind === undefined) throw new Error("no kind for namespaces");
  await connection.client.delete(
    { kind: kind.kind, namespace: "", name: namespace, uid: undefined, gracePeriodSeconds: undefined, dryRun: false },
    { signal },
  );
  let present = false;
  for await (const event of follow(connection, { kind, namespace: "", fieldSelector: `metadata.name=${namespace}` }, signal)) {
    if (event.type === "added" || event.type === "modified") present = true;
    if (event.type === "deleted" || (event.type === "synced" && !present)) return;
  }
}

function isRunning(pod: Pod | undefined): boolean {
  return pod?.status?.conditions.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

function stateOf(pod: Pod | undefined): string {
  const waiting = pod?.status?.containerStatuses[0]?.state?.waiting;
  return pod?.status?.message ?? waiting?.message ?? waiting?.reason ?? pod?.status?.phase ?? "not made";
}
