/* `podwire rollout history|pause|prove|restart|resume|status|undo`. */

import { Option } from "commander";
import { formatTimestamp } from "#core/clock.ts";
import type { Json } from "#core/json.ts";
import type { Kind } from "#core/objects/kind.ts";
import { replicaSetKind } from "#core/objects/replica-set.ts";
import type { Deployment, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { type ChangeOptions, type Changer, changeFlags, nameOf, type Patch } from "../change.ts";
import { type Change, changeEach } from "../change-each.ts";
import { durationFlag, integerFlag } from "../duration.ts";
import { refuseWholeKind } from "../find.ts";
import { type Item, listAll } from "../objects.ts";
import { qualifiedKind } from "../output/documents.ts";
import { type FileOptions, readTargets } from "../read-targets.ts";
import { historyText, planUndo, revisionText, setsOf, type Versions } from "../rollout/history.ts";
import { accountText } from "../rollout/losses.ts";
import { proveRollout } from "../rollout/prove.ts";
import { revisionProblem, rolloutStatusOf } from "../rollout/status.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { type Verdict, waitFor } from "../wait-for.ts";
import { fileFlags } from "../write.ts";
import { imagePatch } from "./set.ts";

interface RolloutOptions extends ChangeOptions, FileOptions {
  readonly selector?: string;
  readonly watch: boolean;
  readonly timeout: number;
  readonly revision: number;
  readonly toRevision: number;
  readonly rps: number;
  readonly path: string;
  readonly set?: string;
}

interface Context extends Change {
  readonly invocation: Invocation<RolloutOptions>;
}

const proofRpsMax = 2_000;

/** Answers what is wrong, without "error: ". */
type Subcommand = (item: Item, context: Context) => Promise<string | undefined>;

const subcommands: Readonly<Record<string, Subcommand>> = {
  history: showHistory,
  pause: (item, { changer }) => setPaused(item, changer, true),
  prove,
  restart,
  resume: (item, { changer }) => setPaused(item, changer, false),
  status: showStatus,
  undo,
};

export const rolloutVerb: Verb<RolloutOptions> = {
  usage: `(${Object.keys(subcommands).join(" | ")}) (KIND NAME | KIND/NAME | -f FILE) [flags]`,
  description: `Follow and steer how a new version takes the place of the old one.
  history    print the versions that are kept
  pause      let changes of the template wait
  prove      roll out under load, count the requests that are lost, and say why
  restart    replace every pod by a new one
  resume     go on after a pause
  status     wait until the rollout is done
  undo       go back to the version before, or to another one`,
  examples: `
    # Wait for a new version, go back to the one before
    podwire rollout status deploy/web
    podwire rollout undo deploy/web

    # Whether a new version costs a request
    podwire rollout prove deploy/web --rps=200 --set image=registry.k8s.io/e2e-test-images/agnhost:2.53

    # Which versions there were, and what was in one
    podwire rollout history deploy/web
    podwire rollout history deploy/web --revision=2`,
  flags(command) {
    fileFlags(command);
    command
      .option("-l, --selector <labels>", "those with these labels")
      .option("-w, --watch", "status: wait until it is done", true)
      .option("--no-watch", "status: print how far it is")
      .addOption(
        new Option("--timeout <duration>", "status, prove: how long to wait; 0 for no limit")
          .argParser(durationFlag("--timeout"))
          .default(0, "0s"),
      )
      .addOption(
        new Option("--revision <number>", "history: what was in that one; status: fail where another one runs")
          .argParser(integerFlag("--revision"))
          .default(0),
      )
      .addOption(
        new Option("--to-revision <number>", "undo: go back to that one; 0 for the one before")
          .argParser(integerFlag("--to-revision"))
          .default(0),
      );
    command
      .addOption(
        new Option("--rps <number>", "prove: requests in a second, from all nodes together")
          .argParser(integerFlag("--rps"))
          .default(200),
      )
      .option("--path <path>", "prove: what is asked for", "/")
      .option("--set <change>", "prove: image=IMAGE; without it every pod is made anew");
    changeFlags(command);
  },
  async run(invocation) {
    const { options, globals } = invocation;
    const [name = "", ...words] = [...invocation.args, ...(invocation.afterDashes ?? [])];
    const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
    if (subcommand === undefined) {
      const wanted = Object.keys(subcommands).join(", ");
      throw new UsageError(name === "" ? `want one of ${wanted}` : `there is no "rollout ${name}": want one of ${wanted}`, {
        inFlags: true,
      });
    }
    for (const flag of ["revision", "toRevision"] as const) {
      if (options[flag] < 0) throw new UsageError("revision must be a positive integer");
    }
    const targets = await readTargets(invocation, { verb: `rollout ${name}`, words });
    refuseWholeKind(targets, options);
    const { selector } = options;
    return changeEach(invocation, { targets, namespace: globals.namespace, selector }, (item, change) =>
      subcommand(item, { ...change, invocation }),
    );
  },
};

function showStatus(item: Item, context: Context): Promise<string | undefined> {
  return waitUntilDone(item, context, (text) => context.invocation.printer.print(text));
}

async function waitUntilDone(
  item: Item,
  { invocation, connection }: Context,
  print: (text: string) => Promise<void>,
): Promise<string | undefined> {
  const { options, context, signal } = invocation;
  const statusOf = rolloutStatusOf(item.kind.kind);
  if (statusOf === undefined) return `no status viewer has been implemented for ${item.kind.kind}`;
  const { namespace = "", name = "", uid } = item.object.metadata ?? {};
  const lines: string[] = [];
  let printed = Promise.resolve();
  const say = (text: string) => {
    if (lines.at(-1) === text) return;
    lines.push(text);
    printed = printed.then(() => print(`${text}\n`));
  };
  const unmet = await waitFor({
    connection,
    clock: context.clock,
    signal,
    timeoutMs: options.timeout === 0 ? undefined : options.timeout,
    targets: [{ kind: item.kind, namespace, name }],
    judge(_, object): Verdict {
      if (object === undefined || object.metadata?.uid !== uid) return { state: "failed", text: "object has been deleted" };
      const status = statusOf(object);
      if (status.state === "failed") return status;
      say(status.text);
      const problem = options.revision > 0 ? revisionProblem(object, options.revision) : undefined;
      if (problem !== undefined) return { state: "failed", text: problem };
      return status.state === "done" || !options.watch ? { state: "met" } : { state: "pending" };
    },
  });
  await printed;
  const [first] = unmet;
  if (first === undefined) return undefined;
  return first.verdict.state === "failed" ? first.verdict.text : "timed out waiting for the condition";
}

async function versionsOf({ object }: Item, { connection, invocation }: Context): Promise<Versions> {
  const deployment = object as Deployment;
  const kind = replicaSetKind as unknown as Kind;
  const found = await listAll(connection, { kind, namespace: deployment.metadata?.namespace ?? "" }, invocation.signal);
  return {
    deployment,
    sets: setsOf(
      deployment,
      found.map((one) => one.object as ReplicaSet),
    ),
  };
}

async function showHistory(item: Item, context: Context): Promise<string | undefined> {
  const { options, printer } = context.invocation;
  if (item.kind.kind !== "Deployment") return `no history viewer has been implemented for ${item.kind.kind}`;
  const versions = await versionsOf(item, context);
  if (options.revision === 0) {
    await printer.print(`${nameOf(item)} \n${historyText(versions)}\n`);
    return undefined;
  }
  const text = revisionText(versions, options.revision);
  if (text === undefined) return "unable to find the specified revision";
  await printer.print(`${nameOf(item)} with revision #${options.revision}\n${text}\n`);
  return undefined;
}

async function undo(item: Item, context: Context): Promise<string | undefined> {
  if (item.kind.kind !== "Deployment") return `no rollbacker has been implemented for ${item.kind.kind}`;
  const plan = planUndo(await versionsOf(item, context), context.invocation.options.toRevision);
  if (plan.type === "refuse") return plan.why;
  const { changer } = context;
  if (plan.type === "skip") await changer.report(item, plan.why);
  else await changer.report((await changer.patch(item, jsonPatch(plan.patch))).item, "rolled back");
  return undefined;
}

async function setPaused(item: Item, changer: Changer, paused: boolean): Promise<string | undefined> {
  const what = `${qualifiedPlural(item.kind)} ${JSON.stringify(item.object.metadata?.name)}`;
  if (item.kind.kind !== "Deployment") return `${what} ${paused ? "pausing" : "resuming"} is not supported`;
  if (((item.object as Deployment).spec?.paused ?? false) === paused) return `${what} is ${paused ? "already" : "not"} paused`;
  const { item: after } = await changer.patch(item, {
    type: "merge",
    json: JSON.stringify({ spec: { paused: paused || null } }),
  });
  await changer.report(after, paused ? "paused" : "resumed");
  return undefined;
}

/** A new annotation makes a new template, and that a rollout. */
async function restart(item: Item, { changer, invocation }: Context): Promise<string | undefined> {
  const what = `${qualifiedPlural(item.kind)} ${JSON.stringify(item.object.metadata?.name)}`;
  if (rolloutStatusOf(item.kind.kind) === undefined) return `${what} restarting is not supported`;
  if ((item.object as Deployment).spec?.paused === true) {
    return `${what} can't restart paused deployment (run rollout resume first)`;
  }
  const annotations = { "kubectl.kubernetes.io/restartedAt": formatTimestamp(invocation.context.clock.wallMs()) };
  const patch = { spec: { template: { metadata: { annotations } } } };
  const { item: after } = await changer.patch(item, { type: "strategic", json: JSON.stringify(patch) });
  await changer.report(after, "restarted");
  return undefined;
}

async function prove(item: Item, context: Context): Promise<string | undefined> {
  const { invocation, connection, changer } = context;
  const { options, printer, signal } = invocation;
  if (item.kind.kind !== "Deployment") return `no proof has been implemented for ${item.kind.kind}`;
  if (changer.dryRun !== "none") return "a proof can't be a dry run";
  if (options.rps < 1 || options.rps > proofRpsMax) return `--rps must be between 1 and ${proofRpsMax}`;
  if ((item.object as Deployment).spec?.paused === true) return `${nameOf(item)} is paused: run rollout resume first`;
  const [, image] = /^image=(.+)$/s.exec(options.set ?? "") ?? [];
  if (options.set !== undefined && image === undefined) return `--set ${options.set}: want image=IMAGE`;
  const roll = async () => {
    if (image === undefined) await restart(item, context);
    else {
      const patch = imagePatch(item, new Map([["*", image]]));
      if (typeof patch === "string") throw new UsageError(patch);
      await changer.report((await changer.patch(item, { type: "strategic", json: JSON.stringify(patch) })).item, "image updated");
    }
    const problem = await waitUntilDone(item, context, (text) => printer.printError(text));
    if (problem !== undefined) throw new UsageError(problem);
  };
  const say = (text: string) => printer.printError(`${text}\n`);
  const deployment = item.object as Deployment;
  const request = { deployment, rps: options.rps, path: options.path, clock: invocation.context.clock, say, roll };
  const account = await proveRollout(connection, request, signal);
  await printer.print(accountText({ ...account, what: nameOf(item) }));
  return account.losses.length === 0 ? undefined : `the rollout of ${nameOf(item)} lost requests`;
}

function jsonPatch(operations: readonly Json[]): Patch {
  return { type: "json", json: JSON.stringify(operations) };
}

/** `deployments.apps` */
function qualifiedPlural(kind: Kind): string {
  return qualifiedKind({ ...kind, singular: kind.plural });
}
