/* `podwire delete`: asks for each deletion, says so, and waits until the objects are gone. */

import { isAppError } from "#core/errors.ts";
import { type Connection, connect } from "../connect.ts";
import { type DryRun, dryRunMode, dryRunSuffix } from "../dry-run.ts";
import { durationFlag, integerFlag } from "../duration.ts";
import { listAll, type ObjectName } from "../objects.ts";
import { qualifiedKind } from "../output/documents.ts";
import { type FileOptions, readTargets } from "../read-targets.ts";
import { ExitWith, serverError } from "../report.ts";
import { namespaceOf } from "../targets.ts";
import { badFlag, UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { waitFor } from "../wait-for.ts";
import { fileFlags } from "../write.ts";

interface DeleteOptions extends FileOptions {
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly all?: boolean;
  readonly allNamespaces?: boolean;
  readonly gracePeriod?: number;
  readonly force?: boolean;
  readonly now?: boolean;
  readonly cascade: string;
  readonly wait: boolean;
  readonly timeout?: number;
  readonly ignoreNotFound?: boolean;
  readonly dryRun?: string;
  readonly output?: string;
}

export const deleteVerb: Verb<DeleteOptions> = {
  usage: "(-f FILE | KIND (NAME… | -l LABELS | --all) | KIND/NAME…) [flags]",
  description: `Delete objects. A pod's programs get the signal TERM and, after the grace period, KILL; the command returns when the
objects are gone.`,
  examples: `
    # By name, by file, by label
    podwire delete pod web
    podwire delete -f hello.yaml
    podwire delete pods -l app=web

    # A Deployment alone: its pods stay
    podwire delete deployment web --cascade=orphan

    # At once, without waiting for the node
    podwire delete pod web --grace-period=0 --force`,
  flags(command) {
    fileFlags(command);
    command
      .option("-l, --selector <labels>", "those with these labels")
      .option("--field-selector <fields>", "those with these fields")
      .option("--all", "all of the kind in the namespace")
      .option("-A, --all-namespaces", "of all namespaces")
      .option(
        "--grace-period <seconds>",
        "how long a pod has to end by itself; its own value where absent",
        integerFlag("--grace-period"),
      )
      .option("--now", "the same as --grace-period=1")
      .option("--force", "with --grace-period=0: remove it without waiting for its node")
      .option(
        "--cascade <how>",
        "what becomes of the objects that it owns: background (they go after it), foreground (it waits for them) or orphan (they stay)",
        "background",
      )
      .option("--wait", "return when the objects are gone", true)
      .option("--no-wait", "return at once")
      .option("--timeout <duration>", "how long to wait; no limit where absent", durationFlag("--timeout"))
      .option("--ignore-not-found", "an object that doesn't exist is no error")
      .option("--dry-run <mode>", "none, client or server: say what would go", "none")
      .option("-o, --output <format>", "name: print KIND/NAME only");
  },
  async run(invocation) {
    const { options, signal } = invocation;
    const plan = planOf(options);
    if (plan.warning !== undefined) await invocation.printer.printError(`Warning: ${plan.warning}\n`);
    const request = await readRequest(invocation);
    using connection = await connect(invocation);
    const targets = request.how === "names" ? request.names : await select(connection, request.queries, signal);
    if (targets.length === 0) {
      await invocation.printer.print("No resources found\n");
      return 0;
    }
    const { deleted, failures } = await deleteEach({ invocation, connection, plan }, targets);
    if (options.wait && plan.dryRun === "none") await waitUntilGone({ invocation, connection, plan }, deleted);
    return failures === 0 ? 0 : 1;
  },
};

interface DeletePlan {
  readonly propagationPolicy: string;
  readonly gracePeriodSeconds: number | undefined;
  readonly operation: string;
  readonly dryRun: DryRun;
  readonly warning: string | undefined;
}

/** Also kubectl's older words. */
const policies: Readonly<Record<string, string>> = {
  background: "Background",
  true: "Background",
  foreground: "Foreground",
  orphan: "Orphan",
  false: "Orphan",
};

/** What the flags mean together; kubectl's rules. */
function planOf({ gracePeriod, force, now, cascade, dryRun: mode, output }: DeleteOptions): DeletePlan {
  const propagationPolicy = policies[cascade];
  if (propagationPolicy === undefined) {
    throw badFlag("--cascade", cascade, 'must be "background", "foreground", or "orphan"');
  }
  if (output !== undefined && output !== "name") throw new UsageError("unexpected -o output mode. We only support '-o name'");
  const dryRun = dryRunMode(mode);
  if (now && gracePeriod !== undefined) throw new UsageError("--now and --grace-period cannot be specified together");
  if (force && gracePeriod !== undefined && gracePeriod > 0) {
    throw new UsageError("--force and --grace-period greater than 0 cannot be specified together");
  }
  const asked = gracePeriod !== undefined && gracePeriod < 0 ? undefined : gracePeriod;
  // 0 removes an object whose programs may still run, so that it takes --force to mean it.
  const seconds = force ? 0 : now || asked === 0 ? 1 : asked;
  return {
    propagationPolicy,
    gracePeriodSeconds: seconds,
    operation: `${seconds === 0 ? "force deleted" : "deleted"}${dryRunSuffix(dryRun)}`,
    dryRun,
    warning:
      seconds === 0
        ? "Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely."
        : undefined,
  };
}

type DeleteRequest =
  | { readonly how: "names"; readonly names: readonly ObjectName[] }
  | { readonly how: "queries"; readonly queries: readonly Parameters<typeof listAll>[1][] };

async function readRequest(invocation: Invocation<DeleteOptions>): Promise<DeleteRequest> {
  const { options, globals } = invocation;
  const { filename = [], selector, fieldSelector, all = false, allNamespaces = false } = options;
  const narrowed = selector !== undefined || fieldSelector !== undefined;
  if (filename.length > 0 && (all || narrowed)) {
    throw new UsageError("when paths are provided as input, you may not specify selectors or --all");
  }
  const targets = await readTargets(invocation, { verb: "delete" });
  if (all && narrowed) throw new UsageError("cannot set --all and a selector at the same time");
  if (targets.how === "names") {
    if (all || narrowed || allNamespaces) {
      throw new UsageError("name cannot be provided when a selector, --all or --all-namespaces is specified");
    }
    const names = targets.names.map((target) => ({ ...target, namespace: namespaceOf(target, globals.namespace) }));
    return { how: "names", names };
  }
  if (!all && !narrowed) throw new UsageError("resource(s) were provided, but no name was specified");
  const namespace = allNamespaces ? "" : globals.namespace;
  const rest = { namespace, labelSelector: selector ?? "", fieldSelector: fieldSelector ?? "" };
  return { how: "queries", queries: targets.kinds.map((kind) => ({ kind, ...rest })) };
}

async function select(
  connection: Connection,
  queries: readonly Parameters<typeof listAll>[1][],
  signal: AbortSignal,
): Promise<ObjectName[]> {
  const found: ObjectName[] = [];
  for (const query of queries) {
    for (const { kind, object } of await listAll(connection, query, signal)) {
      found.push({ kind, namespace: object.metadata?.namespace ?? "", name: object.metadata?.name ?? "" });
    }
  }
  return found;
}

interface Deletion {
  readonly invocation: Invocation<DeleteOptions>;
  readonly connection: Connection;
  readonly plan: DeletePlan;
}

interface DeletedObject extends ObjectName {
  readonly uid: string;
}

async function deleteEach(
  { invocation, connection, plan }: Deletion,
  targets: readonly ObjectName[],
): Promise<{ readonly deleted: readonly DeletedObject[]; readonly failures: number }> {
  const { printer, options, signal } = invocation;
  const deleted: DeletedObject[] = [];
  let failures = 0;
  for (const target of targets) {
    const { kind, namespace, name } = target;
    try {
      const address = { kind: kind.kind, namespace, name };
      if (plan.dryRun === "client") await connection.client.get(address, connection.prompt(signal));
      else {
        const { gracePeriodSeconds, propagationPolicy, dryRun } = plan;
        const request = { ...address, gracePeriodSeconds, propagationPolicy, dryRun: dryRun === "server" };
        const { gone, object } = await connection.client.delete(request, connection.prompt(signal));
        const uid = object?.object?.value.metadata?.uid ?? "";
        if (!gone) deleted.push({ ...target, uid });
      }
      await printer.print(messageFor(target, { operation: plan.operation, nameOnly: options.output === "name" }));
    } catch (error) {
      if (!isAppError(error) || isAppError(error, "unavailable", "cancelled")) throw error;
      if (isAppError(error, "not-found") && options.ignoreNotFound === true) continue;
      failures += 1;
      await printer.printError(`${serverError(error)}\n`);
    }
  }
  return { deleted, failures };
}

function messageFor(
  { kind, namespace, name }: ObjectName,
  { operation, nameOnly }: { readonly operation: string; readonly nameOnly: boolean },
): string {
  if (nameOnly) return `${qualifiedKind(kind)}/${name}\n`;
  return `${qualifiedKind(kind)} ${JSON.stringify(name)} ${operation}${kind.namespaced ? ` from ${namespace} namespace` : ""}\n`;
}

/** An object under the same name with another uid is a new one: the old one is gone. */
async function waitUntilGone({ invocation, connection }: Deletion, targets: readonly DeletedObject[]): Promise<void> {
  const timeoutMs = invocation.options.timeout ?? 0;
  const left = await waitFor({
    connection,
    clock: invocation.context.clock,
    signal: invocation.signal,
    timeoutMs: timeoutMs <= 0 ? undefined : timeoutMs,
    targets,
    judge: (target, object) => ({ state: object === undefined || object.metadata?.uid !== target.uid ? "met" : "pending" }),
  });
  for (const { target } of left) {
    await invocation.printer.printError(`error: timed out waiting for the condition on ${target.kind.plural}/${target.name}\n`);
  }
  if (left.length > 0) throw new ExitWith(1);
}
