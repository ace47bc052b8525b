/* `podwire get`: tables, documents and names of objects, once or as they change. */

import { Option } from "commander";
import type { Kind } from "#core/objects/kind.ts";
import { type Connection, connect } from "../connect.ts";
import { findObjects } from "../find.ts";
import { meansLinks, printLinks } from "../links.ts";
import { follow, getOne, type Item, type Query } from "../objects.ts";
import type { Layout } from "../output/columns.ts";
import { renderDocuments } from "../output/documents.ts";
import type { Path } from "../output/jsonpath/parse.ts";
import { createObjectTable, isTableFormat, type ObjectTable, type TableFormat } from "../output/object-table.ts";
import { type OutputFormat, parseOutputFormat } from "../output/output-format.ts";
import { type FileOptions, readTargets } from "../read-targets.ts";
import { parseSortBy, sortItems } from "../sort-items.ts";
import { namespaceOf, type Targets } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { fileFlags } from "../write.ts";

interface GetOptions extends FileOptions {
  readonly output?: string;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly watch?: boolean;
  readonly watchOnly?: boolean;
  /** commander's reading of --no-headers. */
  readonly headers: boolean;
  readonly showLabels?: boolean;
  readonly labelColumns?: readonly string[];
  readonly sortBy?: Path;
  readonly ignoreNotFound?: boolean;
}

export const getVerb: Verb<GetOptions> = {
  usage: "(KIND[,KIND…] [NAME…] | KIND/NAME… | -f FILE) [flags]",
  description:
    "Display one or many objects: pods (po), nodes (no), namespaces (ns), configmaps (cm), secrets, events (ev), or all; and links, the tunnels between nodes, with what they carried and dropped.",
  examples: `
    # The pods of the namespace, with their addresses and nodes
    podwire get pods -o wide

    # Everything that runs, in every namespace
    podwire get all -A

    # One pod's address
    podwire get pod web -o jsonpath='{.status.podIP}'

    # The youngest last; columns of one's own
    podwire get pods --sort-by=.metadata.creationTimestamp
    podwire get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP

    # The tunnels, and of one node's why frames were dropped
    podwire get links
    podwire get links node-1 -o wide

    # The pods of one node, as they change
    podwire get pods --field-selector spec.nodeName=node-1 --watch`,
  flags(command) {
    fileFlags(command);
    command
      .option(
        "-o, --output <format>",
        "json, yaml, name, wide, jsonpath=TEMPLATE, custom-columns=TITLE:PATH,… or custom-columns-file=FILE",
      )
      .option("-A, --all-namespaces", "of all namespaces")
      .option("-l, --selector <labels>", "only with these labels: app=web,tier!=db,env in (a,b)")
      .option("--field-selector <fields>", "only with these fields: metadata.name=web,spec.nodeName!=node-1")
      .option("-w, --watch", "go on and print every change")
      .option("--watch-only", "print changes only, not what is there now")
      .option("--no-headers", "no line of titles")
      .option("--show-labels", "a last column with the labels")
      .addOption(new Option("-L, --label-columns <labels>", "a column for each of these labels").argParser(collectLabels))
      .addOption(new Option("--sort-by <path>", "in the order of a field, as JSONPath: .metadata.name").argParser(parseSortBy))
      .option("--ignore-not-found", "say nothing where the object doesn't exist");
  },
  async run(invocation) {
    const { options } = invocation;
    if (meansLinks(invocation.args)) {
      using connection = await connect(invocation);
      return await printLinks(invocation, connection);
    }
    const format = parseOutputFormat(options.output, { tables: true });
    const targets = await readTargets(invocation, { verb: "get" });
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
  const { printer, options, context, signal } = invocation;
  if (targets.how === "names" && options.allNamespaces === true && targets.names.some(({ kind }) => kind.namespaced)) {
    throw new UsageError("a resource cannot be retrieved by name across all namespaces");
  }
  const found = await findObjects(connection, { targets, namespace, ...options }, signal);
  const failures = options.ignoreNotFound === true ? [] : found.failures;
  const items = sortItems(found.items, options.sortBy);
  if (isTableFormat(format)) {
    const tables = tablesOf(request, format, items);
    if (items.length > 0) {
      const nowMs = context.clock.wallMs();
      await printer.print(tables.map(({ table, rows }) => table.render(rows, nowMs)).join("\n"));
    } else if (failures.length === 0 && !options.ignoreNotFound) {
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

interface TableOf {
  readonly table: ObjectTable;
  readonly rows: readonly Item[];
}

/** One a kind; with the user's own columns, one for all. */
function tablesOf(request: Request, format: TableFormat, items: readonly Item[]): TableOf[] {
  const kinds = [...new Set(items.map((item) => item.kind))];
  const withKind = kinds.length > 1 || manyKindsAsked(request.targets);
  const header = request.invocation.options.headers;
  const { paint } = request.invocation.printer;
  return (format.as === "columns" ? kinds.slice(0, 1) : kinds).map((kind) => ({
    table: createObjectTable({ format, kind, layout: layoutOf(request, { kind, withKind }), header, paint }),
    rows: format.as === "columns" ? items : items.filter((item) => item.kind === kind),
  }));
}

async function printChanges(request: Request, query: Query, connection: Connection): Promise<number> {
  const { invocation, targets } = request;
  const { options } = invocation;
  const { kind } = query;
  if (targets.how === "names") {
    const name = targets.names[0]?.name ?? "";
    await getOne(connection, { kind, namespace: kind.namespaced ? query.namespace : "", name }, invocation.signal);
  }
  const print = printerOf(request, kind);
  // What is there at the start is one batch, so that its columns are aligned.
  let present: Item[] | undefined = [];
  for await (const event of follow(connection, query, invocation.signal)) {
    if (event.type === "synced") {
      if (options.watchOnly !== true && present !== undefined && present.length > 0)
        await print(sortItems(present, options.sortBy));
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
  const target = targets.how === "names" ? targets.names[0] : undefined;
  if (target === undefined) return query;
  return { ...query, namespace: namespaceOf(target, namespace), fieldSelector: `metadata.name=${target.name}` };
}

function queryOf(kind: Kind, namespace: string, { selector = "", fieldSelector = "" }: GetOptions): Query {
  return { kind, namespace, labelSelector: selector, fieldSelector };
}

/** Prints batches of one kind: rows that stay aligned, or a document an object. */
function printerOf(request: Request, kind: Kind): (items: readonly Item[]) => Promise<void> {
  const { format, invocation } = request;
  const { printer, context, options } = invocation;
  if (!isTableFormat(format)) {
    return async (items) => {
      for (const item of items) await printer.print(await renderDocuments([item], { format, single: true }));
    };
  }
  const layout = layoutOf(request, { kind, withKind: false });
  const table = createObjectTable({ format, kind, layout, header: options.headers, paint: printer.paint });
  return (items) => printer.print(table.render(items, context.clock.wallMs()));
}

function layoutOf(
  { invocation, format, namespace }: Request,
  { kind, withKind }: { readonly kind: Kind; readonly withKind: boolean },
): Layout {
  return {
    wide: format.as === "table" && format.wide,
    withNamespace: namespace === "" && kind.namespaced,
    withKind,
    showLabels: invocation.options.showLabels === true,
    labelColumns: invocation.options.labelColumns ?? [],
  };
}

function collectLabels(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...value.split(",").filter((key) => key !== "")];
}

function manyKindsAsked(targets: Targets): boolean {
  return targets.how === "kinds" ? targets.kinds.length > 1 : new Set(targets.names.map((target) => target.kind)).size > 1;
}

function whereText(targets: Targets, namespace: string): string {
  const namespaced = targets.how === "kinds" && targets.kinds.every((kind) => kind.namespaced);
  return namespaced && namespace !== "" ? ` in ${namespace} namespace.` : "";
}
