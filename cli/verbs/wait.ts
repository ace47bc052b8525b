/* `podwire wait`: returns when objects exist, are gone, or say what one waits for. */

import { Option } from "commander";
import { isJsonObject, type Json } from "#core/json.ts";
import type { ApiObject } from "#core/objects/kind.ts";
import { type Connection, connect } from "../connect.ts";
import { durationFlag } from "../duration.ts";
import { listAll, type ObjectName } from "../objects.ts";
import { documentOf, slashedName } from "../output/documents.ts";
import { findJsonPath, jsonPathText } from "../output/jsonpath/evaluate.ts";
import { type Path, parseRelaxedPath } from "../output/jsonpath/parse.ts";
import { type FileOptions, readTargets } from "../read-targets.ts";
import { namespaceOf, type Targets } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { type Verdict, waitFor } from "../wait-for.ts";
import { fileFlags } from "../write.ts";

interface WaitOptions extends FileOptions {
  readonly for?: string;
  readonly timeout: number;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly all?: boolean;
  readonly allNamespaces?: boolean;
}

export const waitVerb: Verb<WaitOptions> = {
  usage: "(KIND/NAME… | KIND NAME… | KIND (-l LABELS | --all) | -f FILE) --for=CONDITION [flags]",
  description: `Wait until every object is as it should be. CONDITION is one of
  create                      it exists
  delete                      it is gone
  condition=TYPE[=STATUS]     its condition of that type is True, or STATUS
  jsonpath={PATH}[=VALUE]     what PATH leads to is there, or is VALUE`,
  examples: `
    # Until a pod is ready, at most a minute
    podwire wait --for=condition=Ready pod/web --timeout=60s

    # Until every node is
    podwire wait --for=condition=Ready nodes --all

    # Until a job has ended, until a pod is gone
    podwire wait --for=jsonpath='{.status.phase}'=Succeeded pod/job
    podwire wait --for=delete pod/web`,
  flags(command) {
    fileFlags(command);
    command
      .option("--for <condition>", "create, delete, condition=TYPE[=STATUS] or jsonpath={PATH}[=VALUE]")
      .addOption(
        new Option("--timeout <duration>", "0 looks once; below 0 there is no limit")
          .argParser(durationFlag("--timeout"))
          .default(30_000, "30s"),
      )
      .option("-l, --selector <labels>", "those with these labels")
      .option("--field-selector <fields>", "those with these fields")
      .option("--all", "all of the kind in the namespace")
      .option("-A, --all-namespaces", "of all namespaces");
  },
  async run(invocation) {
    const { options, printer, context, signal } = invocation;
    const goal = parseGoal(options.for);
    const targets = await targetsOf(invocation);
    using connection = await connect(invocation);
    const names = await resolve(invocation, { targets, connection });
    if (names.length === 0) {
      // Nothing is left to be gone.
      if (goal.type === "delete") return 0;
      throw new UsageError("no matching resources found");
    }
    const unmet = await waitFor({
      connection,
      clock: context.clock,
      signal,
      timeoutMs: options.timeout < 0 ? undefined : options.timeout,
      targets: names,
      judge: (target, object) => judge(goal, target, object),
      onMet: ({ kind, name }) => printer.print(`${slashedName({ kind, name })} condition met\n`),
    });
    for (const { target, verdict } of unmet) {
      const late = `error: timed out waiting for the condition on ${target.kind.plural}/${target.name}`;
      await printer.printError(`${verdict.state === "failed" ? verdict.text : late}\n`);
    }
    return unmet.length === 0 ? 0 : 1;
  },
};

type Goal =
  | { readonly type: "create" }
  | { readonly type: "delete" }
  | { readonly type: "condition"; readonly condition: string; readonly status: string }
  /** Without a value: that there is one. */
  | { readonly type: "jsonpath"; readonly path: Path; readonly value: string | undefined };

function parseGoal(text: string | undefined): Goal {
  if (text === undefined || text === "")
    throw new UsageError("--for is missing: want create, delete, condition=TYPE or jsonpath={PATH}=VALUE", { inFlags: true });
  const lower = text.toLowerCase();
  if (lower === "create" || lower === "delete") return { type: lower };
  const condition = /^condition=([^=]+)(?:=(.*))?$/s.exec(text);
  if (condition !== null) return { type: "condition", condition: condition[1] ?? "", status: condition[2] ?? "true" };
  if (text.startsWith("jsonpath=")) return jsonPathGoal(text.slice("jsonpath=".length));
  throw new UsageError(
    `unrecognized condition: ${JSON.stringify(text)} (want create, delete, condition=TYPE or jsonpath={PATH}=VALUE)`,
  );
}

/** The value begins at the first `=` behind the braces; a path without braces has none inside. */
function jsonPathGoal(text: string): Goal {
  const match = /^(\{.*?\}|[^={}]+)(?:=(.*))?$/s.exec(text);
  const [, path, value] = match ?? [];
  if (path === undefined)
    throw new UsageError(
      "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.phase}'",
    );
  if (value === "") throw new UsageError("jsonpath wait has to have a value after equal sign");
  return { type: "jsonpath", path: parseRelaxedPath(path), value: value === undefined ? undefined : unquote(value) };
}

function unquote(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
}

async function targetsOf(invocation: Invocation<WaitOptions>): Promise<Targets> {
  const { options } = invocation;
  const targets = await readTargets(invocation, { verb: "wait for" });
  const selecting = options.all === true || options.selector !== undefined || options.fieldSelector !== undefined;
  if (targets.how === "names" && selecting) throw new UsageError("name cannot be provided when a selector or --all is specified");
  if (targets.how === "kinds" && !selecting)
    throw new UsageError("resource(s) were provided, but no name was specified: name one, or use -l or --all");
  return targets;
}

async function resolve(
  { globals, options, signal }: Invocation<WaitOptions>,
  { targets, connection }: { readonly targets: Targets; readonly connection: Connection },
): Promise<ObjectName[]> {
  if (targets.how === "names") {
    return targets.names.map((target) => ({ ...target, namespace: namespaceOf(target, globals.namespace) }));
  }
  const found: ObjectName[] = [];
  for (const kind of targets.kinds) {
    const query = {
      kind,
      namespace: options.allNamespaces ? "" : globals.namespace,
      labelSelector: options.selector ?? "",
      fieldSelector: options.fieldSelector ?? "",
    };
    for (const { object } of await listAll(connection, query, signal)) {
      found.push({ kind, namespace: object.metadata?.namespace ?? "", name: object.metadata?.name ?? "" });
    }
  }
  return found;
}

const met: Verdict = { state: "met" };
const pending: Verdict = { state: "pending" };

function judge(goal: Goal, { kind, name }: ObjectName, object: ApiObject | undefined): Verdict {
  if (goal.type === "delete") return object === undefined ? met : pending;
  if (goal.type === "create") return object === undefined ? pending : met;
  if (object === undefined) {
    return { state: "failed", text: `Error from server (NotFound): ${kind.plural} ${JSON.stringify(name)} not found` };
  }
  const document = documentOf({ kind, object });
  return (goal.type === "condition" ? hasCondition(document, goal) : hasValue(document, goal)) ? met : pending;
}

function hasCondition(document: Json, goal: Goal & { readonly type: "condition" }): boolean {
  const status = isJsonObject(document) ? document.status : undefined;
  const conditions = isJsonObject(status) ? status.conditions : undefined;
  if (!Array.isArray(conditions)) return false;
  return conditions.some(
    (condition) =>
      isJsonObject(condition) &&
      String(condition.type).toLowerCase() === goal.condition.toLowerCase() &&
      String(condition.status).toLowerCase() === goal.status.toLowerCase(),
  );
}

function hasValue(document: Json, { path, value }: Goal & { readonly type: "jsonpath" }): boolean {
  const found = findJsonPath(path, document);
  if (value === undefined) return found.length > 0;
  if (found.length > 1) throw new UsageError("given jsonpath expression matches more than one value");
  return found.some((one) => jsonPathText(one) === value);
}
