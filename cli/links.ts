/* `podwire get links`: the tunnels between nodes. They are measured and not stored, so they are no objects: they can be listed, and that is all. */

import { LinkMetrics } from "#proto/podwire/v1/metrics.ts";
import type { Connection } from "./connect.ts";
import { linksTable } from "./output/link-rows.ts";
import { createTable } from "./output/table.ts";
import { UsageError } from "./usage-error.ts";
import type { Invocation } from "./verb.ts";

interface LinksOptions {
  readonly output?: string;
  /** Of nodes. */
  readonly selector?: string;
  readonly headers: boolean;
}

export function meansLinks(words: readonly string[]): boolean {
  return words[0] === "links" || words[0] === "link";
}

/** The exit code. */
export async function printLinks(invocation: Invocation<LinksOptions>, connection: Connection): Promise<number> {
  const { args, options, printer, signal } = invocation;
  const { output = "", selector = "", headers } = options;
  const [, node = "", ...stray] = args;
  if (stray.length > 0) throw new UsageError("get links takes one node's name at most", { inFlags: true });
  if (!["", "wide", "json"].includes(output))
    throw new UsageError(`get links prints wide or json, not ${JSON.stringify(output)}`);
  const links: LinkMetrics[] = [];
  const request = { namespace: "", name: node, labelSelector: selector, fieldSelector: "" };
  for await (const { items } of connection.client.linkMetrics(request, connection.prompt(signal))) links.push(...items);
  if (output === "json") {
    await printer.print(`${JSON.stringify({ items: links.map((link) => LinkMetrics.toJSON(link)) }, undefined, 4)}\n`);
  } else if (links.length === 0) {
    await printer.printError("No links found: there is no other node, or none was measured yet (it takes five seconds)\n");
  } else {
    const { titles, rows } = linksTable(links, { wide: output === "wide" });
    await printer.print(createTable({ titles, header: headers, paint: printer.paint }).render(rows));
  }
  return 0;
}
