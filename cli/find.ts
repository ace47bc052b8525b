/* Fetches the objects that a verb's words and selectors mean. What doesn't exist is told beside the rest, as kubectl does. */

import { isAppError } from "#core/errors.ts";
import type { Connection } from "./connect.ts";
import { getOne, type Item, listAll } from "./objects.ts";
import { serverError } from "./report.ts";
import { namespaceOf, type Targets } from "./targets.ts";
import { UsageError } from "./usage-error.ts";

export interface Found {
  readonly items: readonly Item[];
  /** A line for each name that isn't there. */
  readonly failures: readonly string[];
}

export interface FindRequest {
  readonly targets: Targets;
  /** Empty for all. */
  readonly namespace: string;
  readonly selector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export async function findObjects(
  connection: Connection,
  { targets, namespace, selector = "", fieldSelector = "" }: FindRequest,
  signal: AbortSignal,
): Promise<Found> {
  const items: Item[] = [];
  if (targets.how === "kinds") {
    for (const kind of targets.kinds) {
      items.push(...(await listAll(connection, { kind, namespace, labelSelector: selector, fieldSelector }, signal)));
    }
    return { items, failures: [] };
  }
  const failures: string[] = [];
  for (const target of targets.names) {
    try {
      items.push(await getOne(connection, { ...target, namespace: namespaceOf(target, namespace) }, signal));
    } catch (error) {
      if (!isAppError(error, "not-found")) throw error;
      failures.push(serverError(error));
    }
  }
  return { items, failures };
}

export interface ChangeSelection {
  readonly selector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly all?: boolean | undefined;
}

/** A verb that changes objects wants names, or a selector, or --all: never everything by mistake. */
export function refuseWholeKind(targets: Targets, { selector, fieldSelector, all }: ChangeSelection): void {
  const narrowed = selector !== undefined || fieldSelector !== undefined;
  if (targets.how === "kinds" && !narrowed && all !== true) {
    throw new UsageError("resource(s) were provided, but no name was specified");
  }
  if (targets.how === "names" && (narrowed || all === true)) {
    throw new UsageError("name cannot be provided when a selector is specified");
  }
  if (narrowed && all === true) throw new UsageError("cannot set --all and --selector at the same time");
}
