/* The pods that verify makes, and what they report. */

import { aborted } from "#core/aborted.ts";
import { AppError } from "#core/errors.ts";
import type { Kind } from "#core/objects/kind.ts";
import { findKind } from "#core/objects/kinds.ts";
import type { ExecRequest } from "#proto/podwire/v1/cluster.ts";
import type { Pod, Service } from "#proto/podwire/v1/resources.ts";
import type { ExecStart } from "#proto/podwire/v1/streams.ts";
import type { ProbeLine, Target } from "../../toolbox/probe.mts";
import type { Connection } from "../connect.ts";
import { deadline } from "../deadline.ts";
import { follow, listAll } from "../objects.ts";
import { type PlacedProber, type Prober, proberContainer, proberManifest } from "./plan.ts";
import { type PlacedService, serviceManifests } from "./services.ts";

/** Makes the namespace and the pods, all or none. */
export async function makeProbers(
  connection: Connection,
  namespace: string,
  probers: readonly Prober[],
  signal: AbortSignal,
): Promise<void> {
  await createNamespace(connection, namespace, signal);
  await createObjects(connection, namespace, serviceManifests(probers, namespace), signal);
  await makePods(connection, namespace, probers, signal);
}

/**
 * What is to be in it must find it. Whoever interrupts waits for the answer: a call that is only given up may still be carried out, after
 * the removal of what was not there yet.
 */
export async function createNamespace(connection: Connection, namespace: string, signal: AbortSignal): Promise<void> {
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
  await createObjects(connection, namespace, [object], new AbortController().signal);
  signal.throwIfAborted();
}

/** The Services that were made with the probers. */
export async function placedServices(connection: Connection, namespace: string, signal: AbortSignal): Promise<PlacedService[]> {
  const items = await listAll(connection, { kind: kindOf("services"), namespace }, signal);
  return items.map(({ object }) => {
    const { metadata, spec } = object as Service;
    return { name: metadata?.name ?? "", address: spec?.clusterIP ?? "", nodePort: spec?.ports[0]?.nodePort };
  });
}

async function makePods(
  connection: Connection,
  namespace: string,
  probers: readonly Prober[],
  signal: AbortSignal,
): Promise<void> {
  const manifests = probers.map((prober) => proberManifest(prober, namespace));
  await createObjects(connection, namespace, manifests, signal);
}

export async function createObjects(
  { client }: Connection,
  namespace: string,
  objects: readonly object[],
  signal: AbortSignal,
): Promise<void> {
  const manifests = objects.map((object) => ({ json: JSON.stringify(object), source: "" }));
  await client.create({ manifests, namespace, validate: "strict", dryRun: false }, { signal });
}

/** Deletes the pods and makes them again under their names; resolves, with their addresses, when they run. */
export async function remakeProbers(
  connection: Connection,
  namespace: string,
  probers: readonly Prober[],
  signal: AbortSignal,
): Promise<PlacedProber[]> {
  const kind = kindOf("pods");
  const request = { kind: kind.kind, namespace, uid: undefined, gracePeriodSeconds: undefined, dryRun: false };
  for (const { name } of probers) await connection.client.delete({ ...request, name }, { signal });
  const left = new Set(probers.map(({ name }) => name));
  const present = new Set<string>();
  for await (const event of follow(connection, { kind, namespace }, signal)) {
    if (event.type === "synced") for (const name of left) if (!present.has(name)) left.delete(name);
    if (event.type === "added") present.add(event.item.object.metadata?.name ?? "");
    if (event.type === "deleted") left.delete(event.item.object.metadata?.name ?? "");
    if (left.size === 0) break;
  }
  await makePods(connection, namespace, probers, signal);
  return placedProbers(connection, namespace, probers, signal);
}

/** Resolves when every prober runs, with its address; "timeout" names those that don't. */
export async function placedProbers(
  connection: Connection,
  namespace: string,
  probers: readonly Prober[],
  signal: AbortSignal,
): Promise<PlacedProber[]> {
  const kind = kindOf("pods");
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

export interface ProberRun {
  readonly namespace: string;
  readonly name: string;
  /** The prober's own where it is absent. */
  readonly container?: string;
  readonly targets: readonly Target[];
}

/** What a prober finds, line by line. */
export async function* runProber(
  connection: Connection,
  { namespace, name, container = proberContainer, targets }: ProberRun,
  signal: AbortSignal,
): AsyncGenerator<ProbeLine, void, undefined> {
  const over = new AbortController();
  let text = "";
  let errors = "";
  const start = { namespace, pod: name, container, command: ["toolbox", "probe"], stdin: true, tty: false };
  try {
    const requests = requestsOf(start, JSON.stringify({ targets }), over.signal);
    for await (const { frame } of connection.client.exec(requests, { signal })) {
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

async function* requestsOf(start: ExecStart, input: string, over: AbortSignal): AsyncGenerator<ExecRequest> {
  yield { message: { $case: "start", value: start } };
  const bytes = Buffer.from(input);
  for (let at = 0; at < bytes.length; at += 32 * 1024) {
    yield { message: { $case: "input", value: { frame: { $case: "stdin", value: bytes.subarray(at, at + 32 * 1024) } } } };
  }
  yield { message: { $case: "input", value: { frame: { $case: "stdinEnd", value: {} } } } };
  // The requests' end would end the call.
  await aborted(over);
}

/** Resolves when the namespace and all in it are gone; "timeout" where that takes longer. */
export async function removeProbers(connection: Connection, namespace: string, timeoutMs: number): Promise<void> {
  const late = new AppError("timeout", `namespace "${namespace}" was not gone within ${timeoutMs / 1000} s; it goes by itself`);
  const signal = deadline(timeoutMs, late);
  const kind = kindOf("namespaces");
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

function kindOf(plural: string): Kind {
  const kind = findKind(plural);
  if (kind === undefined) throw new Error(`no kind for ${plural}`);
  return kind;
}

function isRunning(pod: Pod | undefined): boolean {
  return pod?.status?.conditions.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

function stateOf(pod: Pod | undefined): string {
  const waiting = pod?.status?.containerStatuses[0]?.state?.waiting;
  return pod?.status?.message ?? waiting?.message ?? waiting?.reason ?? pod?.status?.phase ?? "not made";
}
