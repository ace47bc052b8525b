import { isAppError } from "#core/errors.ts";
import type { Event } from "#proto/podwire/v1/resources.ts";
import { type Connection, connect } from "../connect.ts";
import { getOne, type Item, listAll } from "../objects.ts";
import { describeObject, describerOf } from "../output/describe/describers.ts";
import { eventSelector, isAbout } from "../output/describe/events.ts";
import { type FileOptions, readTargets } from "../read-targets.ts";
import { serverError } from "../report.ts";
import { kindOf, type NamedTarget, namespaceOf, type Targets } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { fileFlags } from "../write.ts";

interface DescribeOptions extends FileOptions {
  readonly selector?: string;
  readonly allNamespaces?: boolean;
  readonly showEvents: boolean;
}

export const describeVerb: Verb<DescribeOptions> = {
  usage: "(KIND [NAME…] | KIND/NAME… | -f FILE) [-l LABELS] [flags]",
  description: `Show what is known of objects: their fields, conditions, containers, the pods of a node, and what happened to them.
Where there is no object NAME, those whose names begin with it are shown.`,
  examples: `
    # One pod, one node
    podwire describe pod web
    podwire describe node/node-1

    # The pods with a label, the pods whose names begin with web-
    podwire describe pods -l app=web
    podwire describe pods web-`,
  flags(command) {
    fileFlags(command);
    command
      .option("-l, --selector <labels>", "those with these labels")
      .option("-A, --all-namespaces", "of all namespaces")
      .option("--show-events", "end with what happened to the object", true)
      .option("--no-show-events", "leave that out");
  },
  async run(invocation) {
    const { printer } = invocation;
    const targets = await readTargets(invocation, { verb: "describe" });
    if (targets.how === "names" && invocation.options.selector !== undefined) {
      throw new UsageError("name cannot be provided when a selector is specified");
    }
    using connection = await connect(invocation);
    const { items, failures } = await fetchItems(invocation, { targets, connection });
    for (const [i, item] of items.entries()) {
      await printer.print(`${i === 0 ? "" : "\n\n"}${await describeItem(invocation, { item, connection })}`);
    }
    for (const failure of failures) await printer.printError(`${failure}\n`);
    if (items.length === 0 && failures.length === 0) {
      const namespaced = targets.how === "kinds" && targets.kinds.every((kind) => kind.namespaced);
      const where = namespaced && !invocation.options.allNamespaces ? ` in ${invocation.globals.namespace} namespace.` : "";
      await printer.printError(`No resources found${where}\n`);
    }
    return failures.length === 0 ? 0 : 1;
  },
};

interface ItemRequest {
  readonly item: Item;
  readonly connection: Connection;
}

async function describeItem(
  { options, context, signal }: Invocation<DescribeOptions>,
  { item: { kind, object }, connection }: ItemRequest,
): Promise<string> {
  const describer = describerOf(kind);
  const query = describer.related?.(object);
  const related = query === undefined ? [] : await listAll(connection, query, signal);
  const wantsEvents = describer.events === true && options.showEvents;
  return describeObject(kind, object, {
    related: related.map((item) => item.object),
    events: wantsEvents ? await eventsOf({ kind, object }, connection, signal) : undefined,
    nowMs: context.clock.wallMs(),
  });
}

async function eventsOf({ kind, object }: Item, connection: Connection, signal: AbortSignal): Promise<Event[]> {
  const namespace = object.metadata?.namespace ?? "";
  const query = { kind: kindOf("events"), namespace, fieldSelector: eventSelector(kind, object) };
  const found = await listAll(connection, query, signal);
  return found.map((item) => item.object as Event).filter((event) => isAbout(event, object));
}

interface DescribeRequest {
  readonly targets: Targets;
  readonly connection: Connection;
}

async function fetchItems(
  { globals, options, signal }: Invocation<DescribeOptions>,
  { targets, connection }: DescribeRequest,
): Promise<{ readonly items: readonly Item[]; readonly failures: readonly string[] }> {
  const items: Item[] = [];
  const failures: string[] = [];
  if (targets.how === "kinds") {
    const namespace = options.allNamespaces === true ? "" : globals.namespace;
    for (const kind of targets.kinds) {
      items.push(...(await listAll(connection, { kind, namespace, labelSelector: options.selector ?? "" }, signal)));
    }
    return { items, failures };
  }
  for (const target of targets.names) {
    const found = await findByName(connection, { target, namespace: globals.namespace }, signal);
    if (typeof found === "string") failures.push(found);
    else items.push(...found);
  }
  return { items, failures };
}

/** The object of that name, or those whose names begin with it, or the line that says that there is none. */
async function findByName(
  connection: Connection,
  { target, namespace }: { readonly target: NamedTarget; readonly namespace: string },
  signal: AbortSignal,
): Promise<readonly Item[] | string> {
  const { kind, name } = target;
  const scope = namespaceOf(target, namespace);
  try {
    return [await getOne(connection, { kind, namespace: scope, name }, signal)];
  } catch (error) {
    if (!isAppError(error, "not-found")) throw error;
    const all = await listAll(connection, { kind, namespace: scope }, signal);
    const similar = all.filter(({ object }) => object.metadata?.name?.startsWith(name));
    return similar.length > 0 ? similar : serverError(error);
  }
}
