/* `podwire get`: tables, documents and names of objects, once or as they change. */

import { isAppError } from "#core/errors.ts";
import type { Kind } from "#core/objects/kind.ts";
import { type Connection, connect } from "../connect.ts";
import { follow, getOne, type Item, listAll, type Query } from "../objects.ts";
import { type Layout, rowFor, titlesFor } from "../output/columns.ts";
import { renderDocuments } from "../output/documents.ts";
import { type OutputFormat, parseOutputFormat } from "../output/output-format.ts";
import { createTable, type Table } from "../output/table.ts";
import { serverError } from "../report.ts";
import { parseTargets, type Targets } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface GetOptions {
  readonly output?: string;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly watch?: boolean;
  readonly watchOnly?: boolean;
  /** commander's reading of --no-headers. */
  readonly headers: boolean;
  readonly showLabels?: boolean;
  readonly ignoreNotFound?: boolean;
}

export const getVerb: Verb<GetOptions> = {
  usage: "(KIND[,KIND…] [NAME…] | KIND/NAME…) [flags]",
  description: "Display one or many objects: pods (po), nodes (no), namespaces (ns), or all.",
  examples: `
    # The pods of the namespace, with their addresses and nodes
    podwire get pods -o wide

    # Everything that runs, in every namespace
    podwire get all -A

    # One pod's address
    podwire get pod web -o jsonpath='{.status.podIP}'

    # The pods of one node, as they change
    podwire get pods --field-selector spec.nodeName=node-1 --watch`,
  flags(command) {
    command
      .option("-o, --output <format>", "json, yaml, name, wide or jsonpath=TEMPLATE")
      .option("-A, --all-namespaces", "of all namespaces")
      .option("-l, --selector <labels>", "only with these labels: app=web,tier!=db,env in (a,b)")
      .option("--field-selector <fields>", "only with these fields: metadata.name=web,spec.nodeName!=node-1")
      .option("-w, --watch", "go on and print every change")
      .option("--watch-only", "print changes only, not what is there now")
      .option("--no-headers", "no line of titles")
      .option("--show-labels", "a last column with the labels")
      .option("--ignore-not-found", "say nothing where the object doesn't exist");
  },
  async run(invocation) {
    const { options, args } = invocation;
    const format = parseOutputFormat(options.output, { tables: true });
    const targets = parseTargets([...args, ...(invocation.afterDashes ?? [])], "get");
    if (targets.how === "names" && (options.selector !== undefined || options.fieldSelector !== undefined)) {
      throw new UsageError("name cannot be provided when a selector is specified");
    }
    const request: Request = {
      invocation,
      format,
      targets,
      namespace: options.allNamespaces ? "" : invocation.globals.namespace,
    };
    const watching = options.watch === true || options.watchOnly === true;
    const query = watching ? watchQuery(request) : undefined;
    using connection = await connect(invocation);
    // Awaited, or the connection would close before.
    return await (query === undefined ? printOnce(request, connection) : printChanges(request, query, connection));
  },
};

interface Request {
  readonly invocation: Invocation<GetOptions>;
  readonly format: OutputFormat;
  readonly targets: Targets;
  /** Empty for all. */
  readonly namespace: string;
}

async function printOnce(request: Request, connection: Connection): Promise<number> {
  const { invocation, format, targets, namespace } = request;
  const { printer, options } = invocation;
  const { items, failures } = await fetchItems(request, connection);
  if (format.as === "table") {
    await printTables(request, items);
    if (items.length === 0 && failures.length === 0 && !options.ignoreNotFound) {
      await printer.printError(`No resources found${whereText(targets, namespace)}\n`);
    }
  } else {
    // One object that was asked for by its name stands alone; everything else is a List.
    const single = targets.how === "names" && targets.names.length === 1;
    if (!(single && items.length === 0)) await printer.print(await renderDocuments(items, { format, single }));
  }
  for (const failure of failures) await printer.printError(`${failure}\n`);
  return failures.length === 0 ? 0 : 1;
}

interface Fetched {
  readonly items: readonly Item[];
  /** What wasn't found; the rest is printed all the same. */
  readonly failures: readonly string[];
}

async function fetchItems({ invocation, targets, namespace }: Request, connection: Connection): Promise<Fetched> {
  const { options, signal } = invocation;
  if (targets.how === "kinds") {
    const items: Item[] = [];
    for (const kind of targets.kinds) items.push(...(await listAll(connection, queryOf(kind, namespace, options), signal)));
    return { items, failures: [] };
  }
  if (options.allNamespaces === true && targets.names.some(({ kind }) => kind.namespaced)) {
    throw new UsageError("a resource cannot be retrieved by name across all namespaces");
  }
  const items: Item[] = [];
  const failures: string[] = [];
  for (const { kind, name } of targets.names) {
    try {
      items.push(await getOne(connection, { kind, namespace: kind.namespaced ? namespace : "", name }, signal));
    } catch (error) {
      if (!isAppError(error, "not-found")) throw error;
      if (options.ignoreNotFound !== true) failures.push(serverError(error));
    }
  }
  return { items, failures };
}

/** One table a kind, an empty line between two. */
async function printTables(request: Request, items: readonly Item[]): Promise<void> {
  const { printer, context } = request.invocation;
  const kinds = [...new Set(items.map((item) => item.kind))];
  const layout = layoutOf(request, { withKind: kinds.length > 1 || manyKindsAsked(request.targets) });
  const texts = kinds.map((kind) => {
    const rows = items
      .filter((item) => item.kind === kind)
      .map(({ object }) => rowFor(kind, object, { ...layout(kind), nowMs: context.clock.wallMs() }));
    return tableFor(request, kind, layout(kind)).render(rows);
  });
  if (texts.length > 0) await printer.print(texts.join("\n"));
}

async function printChanges(request: Request, query: Query, connection: Connection): Promise<number> {
  const { invocation, format, targets } = request;
  const { printer, context, options } = invocation;
  const { kind } = query;
  if (targets.how === "names") {
    const name = targets.names[0]?.name ?? "";
    await getOne(connection, { kind, namespace: kind.namespaced ? query.namespace : "", name }, invocation.signal);
  }
  const layout = layoutOf(request, { withKind: false })(kind);
  const table = tableFor(request, kind, layout);
  const print = async (items: readonly Item[]) => {
    if (format.as === "table") {
      const nowMs = context.clock.wallMs();
      await printer.print(table.render(items.map(({ object }) => rowFor(kind, object, { ...layout, nowMs }))));
    } else for (const item of items) await printer.print(await renderDocuments([item], { format, single: true }));
  };
  // What is there at the start is one batch, so that its columns are aligned.
  let present: Item[] | undefined = [];
  for await (const event of follow(connection, query, invocation.signal)) {
    if (event.type === "synced") {
      if (options.watchOnly !== true && present !== undefined && present.length > 0) await print(present);
      present = undefined;
    } else if (present !== undefined) present.push(event.item);
    else await print([event.item]);
  }
  return 0;
}

/** What a watch follows: one kind, all of it or one object. */
function watchQuery({ invocation, targets, namespace }: Request): Query {
  const kinds = targets.how === "kinds" ? targets.kinds : targets.names.map((target) => target.kind);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1)
    throw new UsageError("you may only specify a single resource type or name to watch");
  const query = queryOf(kind, namespace, invocation.options);
  return targets.how === "kinds" ? query : { ...query, fieldSelector: `metadata.name=${targets.names[0]?.name}` };
}

function queryOf(kind: Kind, namespace: string, { selector = "", fieldSelector = "" }: GetOptions): Query {
  return { kind, namespace, labelSelector: selector, fieldSelector };
}

function layoutOf(
  { invocation, format, namespace }: Request,
  { withKind }: { readonly withKind: boolean },
): (kind: Kind) => Layout {
  return (kind) => ({
    wide: format.as === "table" && format.wide,
    withNamespace: namespace === "" && kind.namespaced,
    withKind,
    showLabels: invocation.options.showLabels === true,
  });
}

function tableFor({ invocation }: Request, kind: Kind, layout: Layout): Table {
  return createTable({ titles: titlesFor(kind, layout), header: invocation.options.headers });
}

function manyKindsAsked(targets: Targets): boolean {
  return targets.how === "kinds" ? targets.kinds.length > 1 : new Set(targets.names.map((target) => target.kind)).size > 1;
}

function whereText(targets: Targets, namespace: string): string {
  const namespaced = targets.how === "kinds" && targets.kinds.every((kind) => kind.namespaced);
  return namespaced && namespace !== "" ? ` in ${namespace} namespace.` : "";
}
