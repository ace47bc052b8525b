/* Evicts pods and waits until they are gone. A budget that allows none now may allow one later, so a refusal by one is asked again. */

import { AppError, isAppError, messageOf } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { Connection } from "../connect.ts";
import { type DryRun, dryRunSuffix } from "../dry-run.ts";
import type { ObjectName } from "../objects.ts";
import type { Invocation } from "../verb.ts";
import { waitFor } from "../wait-for.ts";
import { pathOf } from "./selected-pods.ts";

const retryMs = 5_000;

export interface Eviction {
  readonly invocation: Invocation;
  readonly connection: Connection;
  readonly signal: AbortSignal;
  readonly dryRun: DryRun;
  readonly gracePeriodSeconds: number | undefined;
}

/** Throws an AppError with what failed, when nothing is asked any more. */
export async function evictPods(eviction: Eviction, pods: readonly Pod[]): Promise<void> {
  const { invocation, connection, dryRun } = eviction;
  const failed = new AbortController();
  const signal = AbortSignal.any([eviction.signal, failed.signal]);
  const targets = dryRun === "none" ? pods.map(targetOf) : [];
  const gone = waitFor({
    ...{ connection, clock: invocation.context.clock, signal, timeoutMs: undefined, targets },
    judge: ({ uid }, object) => ({ state: object?.metadata?.uid === uid ? "pending" : "met" }),
    onMet: ({ name }) => invocation.printer.print(`pod/${name} evicted\n`),
  });
  gone.catch(() => {});
  const outcomes = await Promise.allSettled(pods.map((pod) => evictOne(eviction, pod)));
  const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (reasons.length > 0) {
    failed.abort();
    eviction.signal.throwIfAborted();
    throw new AppError("failed-precondition", joined(reasons.map(messageOf)), { cause: reasons[0] });
  }
  await gone;
}

/** As Go prints several errors. */
export function joined(messages: readonly string[]): string {
  return messages.length === 1 ? `${messages[0]}` : `[${messages.join(", ")}]`;
}

async function evictOne({ invocation, connection, signal, dryRun, gracePeriodSeconds }: Eviction, pod: Pod): Promise<void> {
  const { printer, context } = invocation;
  const { namespace, name, uid } = targetOf(pod);
  for (;;) {
    await printer.print(`evicting pod ${pathOf(pod)}${dryRunSuffix(dryRun)}\n`);
    if (dryRun === "client") return;
    try {
      await connection.client.evict(
        { namespace, name, uid, gracePeriodSeconds, dryRun: dryRun === "server" },
        connection.prompt(signal),
      );
      return;
    } catch (error) {
      signal.throwIfAborted();
      // Another pod under the name: this one is gone.
      if (isAppError(error, "not-found", "conflict")) return;
      const what = `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}`;
      if (!isAppError(error, "exhausted")) throw new AppError("internal", `${what}: ${messageOf(error)}`, { cause: error });
      await printer.printError(`${what} (will retry after ${retryMs / 1000}s): ${error.message}\n`);
    }
    await context.clock.sleep(retryMs, signal);
  }
}

function targetOf({ metadata }: Pod): ObjectName & { readonly uid: string } {
  const { namespace = "", name = "", uid = "" } = metadata ?? {};
  return { kind: podKind as never, namespace, name, uid };
}
