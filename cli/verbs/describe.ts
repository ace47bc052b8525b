import { isAppError } from "#core/errors.ts";
import { type Connection, connect } from "../connect.ts";
import { getOne, type Item, listAll } from "../objects.ts";
import { describeObject, describerOf } from "../output/describe/describers.ts";
import { serverError } from "../report.ts";
import { parseTargets } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface DescribeOptions {
  readonly selector?: string;
  readonly allNamespaces?: boolean;
}

export const describeVerb: Verb<DescribeOptions> = {
  usage: "(KIND [NAME…] | KIND/NAME…) [-l LABELS] [flags]",
  description: "Show what is known of objects: their fields, conditions, containers, and the pods of a node.",
  examples: `
    # One pod, one node
    podwire describe pod web
    podwire describe node/node-1

    # The pods with a label
    podwire describe pods -l app=web`,
  flags(command) {
    command.option("-l, --selector <labels>", "those with these labels").option("-A, --all-namespaces", "of all namespaces");
  },
  async run(invocation) {
    const { printer, context, signal } = invocation;
    const targets = parseTargets([...invocation.args, ...(invocation.afterDashes ?? [])], "describe");
    if (targets.how === "names" && invocation.options.selector !== undefined) {
      throw new UsageError("name cannot be provided when a selector is specified");
    }
    using connection = await connect(invocation);
    const { items, failures } = await fetchItems(invocation, { targets, connection });
    for (const [i, { kind, object }] of items.entries()) {
      const query = describerOf(kind).related?.(object);
      const related = query === undefined ? [] : await listAll(connection, query, signal);
      const surroundings = { related: related.map((item) => item.object), nowMs: context.clock.wallMs() };
      await printer.print(`${i === 0 ? "" : "\n\n"}${describeObject(kind, object, surroundings)}`);
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

interface DescribeRequest {
  readonly targets: ReturnType<typeof parseTargets>;
  readonly connection: Connection;
}

async function fetchItems(
  { globals, options, signal }: Invocation<DescribeOptions>,
  { targets, connection }: DescribeRequest,
): Promise<{ readonly items: readonly Item[]; readonly failures: readonly string[] }> {
  const items: Item[] = [];
  const failures: string[] = [];
  const namespace = options.allNamespaces === true ? "" : globals.namespace;
  if (targets.how === "kinds") {
    for (const kind of targets.kinds) {
      items.push(...(await listAll(connection, { kind, namespace, labelSelector: options.selector ?? "" }, signal)));
    }
    return { items, failures };
  }
  for (const { kind, name } of targets.names) {
    try {
      items.push(await getOne(connection, { kind, namespace: kind.namespaced ? globals.namespace : "", name }, signal));
    } catch (error) {
      if (!isAppError(error, "not-found")) throw error;
      failures.push(serverError(error));
    }
  }
  return { items, failures };
}
