/* What `podwire node` can do: a word, the flags that go with it, and what it does to the hosts. */

import { labelValueProblem } from "#core/names.ts";
import { zoneLabel } from "#core/services/labels.ts";
import type { HostInfo } from "../../embedded/host-requests.ts";
import { integerFlag } from "../duration.ts";
import { createTable } from "../output/table.ts";
import { parseLabelPairs } from "../pairs.ts";
import { badFlag, UsageError } from "../usage-error.ts";
import type { ClusterHosts } from "./cluster-hosts.ts";

/** What isn't given is absent. */
export interface NodeOptions {
  readonly zone?: string;
  readonly labels?: string;
  readonly count?: number;
  readonly noWait?: true;
  readonly timeout?: number;
  readonly force?: true;
  readonly output?: "json" | "name" | "wide";
}

export interface NodeRequest {
  readonly hosts: ClusterHosts;
  readonly options: NodeOptions;
  readonly print: (text: string) => Promise<void>;
}

export interface Subcommand {
  readonly flags: readonly (keyof NodeOptions)[];
  /** On all hosts together, or on one that is named. */
  readonly action:
    | { readonly on: "all"; run(request: NodeRequest): Promise<void> }
    | { readonly on: "one"; run(name: string, request: NodeRequest): Promise<void> };
}

/** As long as a pod has for its end where its spec says nothing. */
const stopMs = 30_000;

export const subcommands: Readonly<Record<string, Subcommand>> = {
  add: {
    flags: ["zone", "labels", "count", "noWait"],
    action: {
      on: "all",
      async run({ hosts, options, print }) {
        const { count = 1, noWait } = options;
        const labels = labelsOf(options);
        const added = await hosts.ask({ op: "add", count, labels, taken: await hosts.nodeNames() });
        await Promise.all(added.map((host) => (noWait ? undefined : hosts.ready(host))));
        for (const { name } of added) await print(`node/${name} added\n`);
      },
    },
  },
  start: {
    flags: ["noWait"],
    action: {
      on: "one",
      async run(name, { hosts, options, print }) {
        for (const host of await hosts.ask({ op: "start", name })) if (!options.noWait) await hosts.ready(host);
        await print(`node/${name} started\n`);
      },
    },
  },
  stop: {
    flags: ["timeout"],
    action: {
      on: "one",
      async run(name, { hosts, options, print }) {
        await hosts.ask({ op: "stop", name, timeoutMs: options.timeout ?? stopMs });
        await print(`node/${name} stopped\n`);
      },
    },
  },
  kill: {
    flags: [],
    action: {
      on: "one",
      async run(name, { hosts, print }) {
        await hosts.ask({ op: "kill", name });
        await print(`node/${name} killed\n`);
      },
    },
  },
  remove: {
    flags: ["timeout", "force"],
    action: {
      on: "one",
      async run(name, { hosts, options, print }) {
        const known = (await hosts.ask({ op: "list" })).find((host) => host.name === name);
        if (known?.power === "running" || known?.power === "stopping") {
          if (options.force) await hosts.ask({ op: "kill", name });
          else await hosts.ask({ op: "stop", name, timeoutMs: options.timeout ?? stopMs });
        }
        // Its agent is gone and can't join again. What is tried again where it ends here finds the host still there.
        if (known !== undefined) await hosts.deleteNode(name);
        await hosts.ask({ op: "remove", name });
        await print(`node/${name} removed\n`);
      },
    },
  },
  list: {
    flags: ["output"],
    action: {
      on: "all",
      async run({ hosts, options, print }) {
        const found = await hosts.ask({ op: "list" });
        switch (options.output) {
          case "json":
            return print(`${JSON.stringify(found, undefined, 2)}\n`);
          case "name":
            return print(found.map(({ name }) => `node/${name}\n`).join(""));
          case "wide":
            return print(createTable({ titles: [...titles, "PID"], header: true }).render(found.map(wideRowOf)));
          default:
            return print(createTable({ titles, header: true }).render(found.map(rowOf)));
        }
      },
    },
  },
};

const titles = ["NAME", "POWER", "ZONE", "ADDRESS"];

function rowOf({ name, power, labels, address }: HostInfo): string[] {
  return [name, power, labels[zoneLabel] ?? "<none>", address];
}

function wideRowOf(host: HostInfo): string[] {
  return [...rowOf(host), host.pid === undefined ? "<none>" : String(host.pid)];
}

function labelsOf({ zone, labels = "" }: NodeOptions): Record<string, string> {
  const pairs = parseLabelPairs(
    labels.split(",").filter((pair) => pair !== ""),
    "label",
  );
  return { ...pairs, ...(zone === undefined ? {} : { [zoneLabel]: zone }) };
}

export function parseZone(zone: string): string {
  const problem = zone === "" ? "must not be empty" : labelValueProblem(zone);
  if (problem !== undefined) throw badFlag("--zone", zone, problem);
  return zone;
}

export function parseCount(text: string): number {
  const count = integerFlag("--count")(text);
  if (count < 1) throw badFlag("--count", text, "want a number from 1");
  return count;
}

const flagNames: Readonly<Record<keyof NodeOptions, string>> = {
  zone: "--zone",
  labels: "--labels",
  count: "--count",
  noWait: "--no-wait",
  timeout: "--timeout",
  force: "--force",
  output: "--output",
};

/** The subcommand of these words; a UsageError in the words of docker and kubectl where they make none. */
export function subcommandOf(
  words: readonly string[],
  options: NodeOptions,
): { readonly subcommand: Subcommand; readonly names: string[] } {
  const [word = "", ...names] = words;
  const known = Object.keys(subcommands);
  const subcommand = Object.hasOwn(subcommands, word) ? subcommands[word] : undefined;
  if (subcommand === undefined) {
    throw new UsageError(`${word === "" ? "what to do is missing" : `unknown command "${word}"`}: want ${known.join(", ")}`, {
      inFlags: true,
    });
  }
  for (const flag of Object.keys(flagNames) as (keyof NodeOptions)[]) {
    if (options[flag] === undefined || subcommand.flags.includes(flag)) continue;
    const fitting = known.filter((name) => subcommands[name]?.flags.includes(flag));
    throw new UsageError(`${flagNames[flag]} is no flag of node ${word}, but of node ${fitting.join(" and ")}`, {
      inFlags: true,
    });
  }
  if (subcommand.action.on === "one" && names.length === 0) throw new UsageError(`node ${word} wants NAME…`, { inFlags: true });
  if (subcommand.action.on === "all" && names.length > 0)
    throw new UsageError(`node ${word} takes no names, got ${names.join(" ")}`, { inFlags: true });
  return { subcommand, names: [...new Set(names.map((name) => name.replace(/^(nodes?|no)\//, "")))] };
}
