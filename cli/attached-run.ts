/* What `run -i`, `--attach` and `--rm` do once the pod is made: its output becomes ours, and with Never its exit code too. */

import { isAppError } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type Connection, connect } from "./connect.ts";
import { printOutput } from "./streams/output.ts";
import { UsageError } from "./usage-error.ts";
import type { Invocation } from "./verb.ts";
import { attachVerb } from "./verbs/attach.ts";
import { waitFor } from "./wait-for.ts";

export interface AttachedRun {
  readonly name: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Deletes the pod at the end. */
  readonly remove: boolean;
  readonly restart: string;
  /** How long the pod may take to start. */
  readonly startTimeoutMs: number;
}

/** Answers the exit code. */
export async function followRun(invocation: Invocation, run: AttachedRun): Promise<number> {
  using connection = await connect(invocation);
  try {
    const pod = await podWhere(invocation, connection, { run, timeoutMs: run.startTimeoutMs, holds: hasStarted });
    if (pod === undefined) throw new UsageError(`timed out waiting for the condition: pod ${run.name} has not started`);
    // What it has printed before we came is in its log; an ended one has nothing to be attached to.
    if (!(run.stdin && pod.status?.phase === "Running" && (await attach(invocation, run)))) {
      await printLog(invocation, connection, run.name);
    }
    if (run.restart !== "Never") return 0;
    const ended = await podWhere(invocation, connection, { run, timeoutMs: undefined, holds: hasEnded });
    return ended?.status?.containerStatuses[0]?.state?.terminated?.exitCode ?? 0;
  } finally {
    if (run.remove) await remove(invocation, connection, run.name);
  }
}

/** False where it has ended just before. */
async function attach(invocation: Invocation, { name, stdin, tty }: AttachedRun): Promise<boolean> {
  try {
    await attachVerb.run({ ...invocation, args: [name], afterDashes: undefined, options: { stdin, tty } });
    return true;
  } catch (error) {
    if (!isAppError(error, "invalid", "failed-precondition")) throw error;
    return false;
  }
}

interface PodWait {
  readonly run: AttachedRun;
  readonly timeoutMs: number | undefined;
  holds(pod: Pod): boolean;
}

/** The pod once that holds, or undefined where the time was over. */
async function podWhere(
  { globals, context, signal }: Invocation,
  connection: Connection,
  { run, timeoutMs, holds }: PodWait,
): Promise<Pod | undefined> {
  let pod: Pod | undefined;
  const unmet = await waitFor({
    ...{ connection, clock: context.clock, signal, timeoutMs },
    targets: [{ kind: podKind, namespace: globals.namespace, name: run.name }],
    judge(_target, object) {
      if (object === undefined) return { state: "failed", text: "" };
      pod = object as Pod;
      return { state: holds(pod) ? "met" : "pending" };
    },
  });
  if (unmet[0]?.verdict.state === "failed") throw new UsageError(`pod ${run.name} was deleted meanwhile`);
  return unmet.length === 0 ? pod : undefined;
}

function hasStarted({ status }: Pod): boolean {
  return (
    status?.phase === "Succeeded" || status?.phase === "Failed" || status?.containerStatuses[0]?.state?.running !== undefined
  );
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

async function printLog({ globals, printer, signal }: Invocation, { client }: Connection, pod: string): Promise<void> {
  const request = { namespace: globals.namespace, pod, container: "", follow: true, previous: false, timestamps: false };
  await printOutput(client.logs(request, { signal }), printer);
}

/** After an interruption too, so not with the signal that it aborted. */
async function remove({ globals, printer }: Invocation, { client }: Connection, name: string): Promise<void> {
  const request = { kind: "Pod", namespace: globals.namespace, name, dryRun: false };
  await client.delete(request, { signal: AbortSignal.timeout(10_000) });
  await printer.print(`pod ${JSON.stringify(name)} deleted from ${globals.namespace} namespace\n`);
}
