/* `podwire events`: what happened, the oldest first; repetitions are one line. */

import { Option } from "commander";
import type { Event } from "#proto/podwire/v1/resources.ts";
import { type Connection, connect } from "../connect.ts";
import { follow, type Item, listAll, type Query } from "../objects.ts";
import { renderDocuments } from "../output/documents.ts";
import { byLastSeen, eventAge } from "../output/event-columns.ts";
import { parseOutputFormat, type SimpleFormat } from "../output/output-format.ts";
import { createTable } from "../output/table.ts";
import { kindOf, parseTargets } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface EventsOptions {
  readonly allNamespaces?: boolean;
  readonly for?: string;
  readonly types?: readonly string[];
  readonly watch?: boolean;
  /** commander's reading of --no-headers. */
  readonly headers: boolean;
  readonly output?: string;
}

export const eventsVerb: Verb<EventsOptions> = {
  usage: "[--for KIND/NAME] [--types Normal,Warning] [-A] [-w] [flags]",
  description: "Show what happened to objects, the latest last.",
  examples: `
    # What happened in the namespace; to one pod, as it happens
    podwire events
    podwire events --for pod/web --watch

    # What went wrong anywhere
    podwire events -A --types=Warning`,
  flags(command) {
    command
      .option("-A, --all-namespaces", "of all namespaces")
      .option("--for <object>", "only of KIND/NAME")
      .addOption(new Option("--types <types>", "only Normal or Warning").argParser(parseTypes))
      .option("-w, --watch", "go on and print every new one")
      .option("--no-headers", "no line of titles")
      .option("-o, --output <format>", "json, yaml, name or jsonpath=TEMPLATE");
  },
  async run(invocation) {
    const { options, args, afterDashes = [], globals, printer, signal } = invocation;
    const [stray] = [...args, ...afterDashes];
    if (stray !== undefined)
      throw new UsageError(`unexpected argument ${JSON.stringify(stray)}: name an object with --for KIND/NAME`);
    const format = parseOutputFormat(options.output, { tables: false });
    const namespace = options.allNamespaces === true ? "" : globals.namespace;
    const query = { kind: kindOf("events"), namespace, fieldSelector: fieldSelectorOf(options.for) };
    using connection = await connect(invocation);
    const print = printerOf(invocation, format);
    if (options.watch === true) return await printChanges({ connection, query, print, types: options.types }, signal);
    const items = chosen(await listAll(connection, query, signal), options.types);
    if (items.length === 0 && format.as === "table") {
      await printer.printError(`No events found${namespace === "" ? "" : ` in ${namespace} namespace`}.\n`);
    } else await print(items);
    return 0;
  },
};

const types = ["Normal", "Warning"];

function parseTypes(text: string): readonly string[] {
  return text.split(",").map((word) => {
    const type = types.find((known) => known.toLowerCase() === word.trim().toLowerCase());
    if (type === undefined) throw new UsageError("valid --types are Normal or Warning", { inFlags: true });
    return type;
  });
}

function fieldSelectorOf(object: string | undefined): string {
  if (object === undefined) return "";
  const targets = object.includes("/") ? parseTargets([object], "show events for") : undefined;
  const [target] = targets?.how === "names" ? targets.names : [];
  if (target === undefined)
    throw new UsageError(`--for must be in KIND/NAME form, not ${JSON.stringify(object)}`, { inFlags: true });
  return `involvedObject.kind=${target.kind.kind},involvedObject.name=${target.name}`;
}

function chosen(items: readonly Item[], wanted: readonly string[] | undefined): readonly Item[] {
  return items
    .filter(({ object }) => wanted === undefined || wanted.includes((object as Event).type ?? ""))
    .toSorted((a, b) => byLastSeen(a.object as Event, b.object as Event));
}

interface Following {
  readonly connection: Connection;
  readonly query: Query;
  readonly types: readonly string[] | undefined;
  print(items: readonly Item[]): Promise<void>;
}

async function printChanges({ connection, query, print, types: wanted }: Following, signal: AbortSignal): Promise<number> {
  // What is there at the start is one batch, so that it is in order and its columns are aligned.
  let present: Item[] | undefined = [];
  for await (const event of follow(connection, query, signal)) {
    if (event.type === "synced") {
      await print(chosen(present ?? [], wanted));
      present = undefined;
    } else if (event.type === "deleted") continue;
    else if (present !== undefined) present.push(event.item);
    else await print(chosen([event.item], wanted));
  }
  return 0;
}

/** Rows that stay aligned over several batches, or documents. */
function printerOf({ options, printer, context }: Invocation<EventsOptions>, format: SimpleFormat): Following["print"] {
  if (format.as !== "table") {
    return async (items) => {
      if (options.watch === true)
        for (const item of items) await printer.print(await renderDocuments([item], { format, single: true }));
      else await printer.print(await renderDocuments(items, { format, single: false }));
    };
  }
  const withNamespace = options.allNamespaces === true;
  const titles = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
  const table = createTable({
    titles: withNamespace ? ["NAMESPACE", ...titles] : titles,
    header: options.headers,
    paint: printer.paint,
  });
  return (items) => {
    const nowMs = context.clock.wallMs();
    return printer.print(table.render(items.map(({ object }) => rowOf(object as Event, { withNamespace, nowMs }))));
  };
}

function rowOf(event: Event, { withNamespace, nowMs }: { readonly withNamespace: boolean; readonly nowMs: number }): string[] {
  const { kind = "", name = "" } = event.involvedObject ?? {};
  const cells = [eventAge(event, nowMs), event.type ?? "", event.reason ?? "", `${kind}/${name}`, event.message?.trim() ?? ""];
  return withNamespace ? [event.metadata?.namespace ?? "", ...cells] : cells;
}
