/* `podwire drain`: cordons nodes, then evicts their pods and waits until they are gone. */

import { AppError, isAppError, messageOf } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { createChanger } from "../change.ts";
import { type Connection, connect } from "../connect.ts";
import { evictPods, joined } from "../drain/evict-pods.ts";
import { type SelectedPods, selectPods } from "../drain/selected-pods.ts";
import { dryRunMode, dryRunSuffix } from "../dry-run.ts";
import { durationFlag, integerFlag } from "../duration.ts";
import { findObjects } from "../find.ts";
import { type Item, listAll } from "../objects.ts";
import { nodeTargets, setSchedulable } from "../schedulable-verb.ts";
import type { Invocation, Verb } from "../verb.ts";

interface DrainOptions {
  readonly selector?: string;
  readonly podSelector?: string;
  readonly ignoreDaemonsets?: boolean;
  readonly deleteEmptydirData?: boolean;
  readonly force?: boolean;
  readonly gracePeriod?: number;
  readonly timeout?: number;
  readonly dryRun?: string;
}

export const drainVerb: Verb<DrainOptions> = {
  usage: "(NODE… | -l LABELS) [flags]",
  description: `Drain nodes for maintenance: no new pods come to them, and those that are there are evicted, as fast as their
PodDisruptionBudgets allow. The command returns when the pods are gone. \`podwire uncordon\` lets pods come back.`,
  examples: `
    # The pods of controllers, which make them anew elsewhere
    podwire drain node-2

    # Pods that nobody makes anew too, for at most a minute
    podwire drain node-2 --force --ignore-daemonsets --delete-emptydir-data --timeout 1m`,
  flags(command) {
    command
      .option("-l, --selector <labels>", "the nodes with these labels")
      .option("--pod-selector <labels>", "evict only the pods with these labels")
      .option("--ignore-daemonsets", "leave the pods of DaemonSets where they are")
      .option("--delete-emptydir-data", "evict pods that lose what is in their emptyDir volumes")
      .option("--force", "evict pods that have no controller, which nobody makes anew")
      .option(
        "--grace-period <seconds>",
        "how long a pod has to end by itself; its own value where negative or absent",
        integerFlag("--grace-period"),
      )
      .option("--timeout <duration>", "how long to try; no limit where 0 or absent", durationFlag("--timeout"))
      .option("--dry-run <mode>", "none, client or server: say what would happen, change nothing", "none");
  },
  async run(invocation) {
    const { args, afterDashes = [], options, printer, signal } = invocation;
    const targets = nodeTargets([...args, ...afterDashes], options.selector);
    using connection = await connect(invocation);
    const { items, failures } = await findObjects(connection, { targets, namespace: "", selector: options.selector }, signal);
    for (const failure of failures) await printer.printError(`${failure}\n`);
    if (failures.length > 0) return 1;
    const changer = createChanger(invocation, connection);
    for (const node of items) await setSchedulable(changer, node, { unschedulable: true, done: "cordoned" });
    const errors: string[] = [];
    const pending: string[] = [];
    for (const node of items) {
      const name = node.object.metadata?.name ?? "";
      try {
        await drainNode({ invocation, connection, node });
      } catch (error) {
        if (!isAppError(error) || isAppError(error, "unavailable", "cancelled")) throw error;
        const why = messageOf(error);
        await printer.printError(`error: unable to drain node "${name}" due to error: ${why}, continuing command...\n`);
        errors.push(why);
        pending.push(name);
      }
    }
    if (errors.length === 0) return 0;
    await printer.printError(`There are pending nodes to be drained:\n${pending.map((name) => ` ${name}\n`).join("")}`);
    throw new AppError("failed-precondition", joined(errors));
  },
};

interface Drain {
  readonly invocation: Invocation<DrainOptions>;
  readonly connection: Connection;
  readonly node: Item;
}

async function drainNode(drain: Drain): Promise<void> {
  const { invocation, connection, node } = drain;
  const { options, printer } = invocation;
  const name = node.object.metadata?.name ?? "";
  const dryRun = dryRunMode(options.dryRun);
  const { pods, warnings, errors } = await readPods(drain);
  if (errors.length > 0) throw new AppError("failed-precondition", joined(errors));
  if (warnings.length > 0) await printer.printError(`Warning: ${warnings.join("; ")}\n`);
  const { gracePeriod = -1 } = options;
  const gracePeriodSeconds = gracePeriod < 0 ? undefined : gracePeriod;
  try {
    await withinTimeout(invocation, (signal) => evictPods({ invocation, connection, signal, dryRun, gracePeriodSeconds }, pods));
  } catch (error) {
    invocation.signal.throwIfAborted();
    const left = (await readPods(drain)).pods;
    if (left.length > 0) {
      const lines = left.map(({ metadata }) => `pod/${metadata?.name}\n`);
      await printer.printError(
        `There are pending pods in node "${name}" when an error occurred: ${messageOf(error)}\n${lines.join("")}`,
      );
    }
    throw error;
  }
  await printer.print(`node/${name} drained${dryRunSuffix(dryRun)}\n`);
}

async function readPods({ invocation, connection, node }: Drain): Promise<SelectedPods> {
  const { options, signal } = invocation;
  const query = {
    kind: podKind as never,
    namespace: "",
    labelSelector: options.podSelector ?? "",
    fieldSelector: `spec.nodeName=${node.object.metadata?.name}`,
  };
  const pods = (await listAll(connection, query, signal)).map(({ object }) => object as Pod);
  return selectPods(pods, {
    ignoreDaemonSets: options.ignoreDaemonsets === true,
    deleteEmptyDirData: options.deleteEmptydirData === true,
    force: options.force === true,
  });
}

/** Throws "timeout" where the work takes longer than --timeout. */
async function withinTimeout(
  { options, context, signal }: Invocation<DrainOptions>,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { timeout: timeoutMs = 0 } = options;
  if (timeoutMs <= 0) return work(signal);
  const done = new AbortController();
  const late = new AbortController();
  const timer = context.clock.sleep(timeoutMs, AbortSignal.any([signal, done.signal])).then(
    () => late.abort(new AppError("timeout", `global timeout reached: ${timeoutMs / 1000}s`)),
    () => {},
  );
  try {
    await work(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    late.signal.throwIfAborted();
    throw error;
  } finally {
    done.abort();
    await timer;
  }
}
