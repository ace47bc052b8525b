/* `label` and `annotate`: the same verb for two maps of an object's metadata. */

import type { Json, JsonObject } from "#core/json.ts";
import { own } from "#core/json.ts";
import { type ChangeOptions, type Changer, changeFlags, createChanger, mergePatch } from "./change.ts";
import { connect } from "./connect.ts";
import { findObjects, refuseWholeKind } from "./find.ts";
import type { Item } from "./objects.ts";
import { printable } from "./output/printable.ts";
import { type PairWords, parsePairWords } from "./pairs.ts";
import { type FileOptions, readTargets } from "./read-targets.ts";
import { UsageError } from "./usage-error.ts";
import type { Invocation, Verb } from "./verb.ts";
import { fileFlags } from "./write.ts";

export interface MetadataOptions extends ChangeOptions, FileOptions {
  readonly overwrite?: boolean;
  readonly all?: boolean;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly list?: boolean;
  readonly resourceVersion?: string;
}

export interface MetadataVerb {
  readonly name: "label" | "annotate";
  /** The map in the object's metadata. */
  readonly field: "labels" | "annotations";
  readonly noun: "label" | "annotation";
  readonly examples: string;
  /** What is said of an object. */
  done(change: Change): string;
  /** Where a key has another value already and --overwrite was not given. */
  taken(keys: readonly (readonly [key: string, value: string])[]): string;
}

export interface Change {
  readonly added: boolean;
  readonly removed: boolean;
}

export function metadataVerb(kind: MetadataVerb): Verb<MetadataOptions> {
  const { name, field, noun, examples } = kind;
  return {
    usage: "(KIND NAME… | KIND/NAME… | KIND --all | KIND -l LABELS | -f FILE) KEY=VALUE… KEY-… [flags]",
    description: `Set, change and take away ${field} of objects: KEY=VALUE sets one, KEY- takes it away.`,
    examples,
    flags(command) {
      fileFlags(command);
      command
        .option("--overwrite", `change a ${noun} that has another value already`)
        .option("--all", "all objects of the kind in the namespace")
        .option("-A, --all-namespaces", "of all namespaces")
        .option("-l, --selector <labels>", "those with these labels")
        .option("--field-selector <fields>", "those with these fields")
        .option("--list", `print the ${field}, after the changes if there are any`)
        .option("--resource-version <version>", "refuse where the object is at another version");
      changeFlags(command);
    },
    async run(invocation) {
      const { options, globals, printer, signal } = invocation;
      const words = parsePairWords([...invocation.args, ...(invocation.afterDashes ?? [])], noun);
      const changes = Object.keys(words.set).length + words.remove.length > 0;
      if (!changes && options.list !== true) throw new UsageError(`at least one ${noun} update is required`);
      const targets = await readTargets(invocation, { verb: name, words: words.targets });
      if (changes) refuseWholeKind(targets, options);
      using connection = await connect(invocation);
      const namespace = options.allNamespaces === true ? "" : globals.namespace;
      const { items, failures } = await findObjects(connection, { targets, namespace, ...options }, signal);
      const changer = createChanger(invocation, connection);
      const problems = [...failures];
      const after: Item[] = [];
      for (const item of items) {
        const result = changes ? await changeOne({ invocation, changer, kind, words, item }) : item;
        if (typeof result === "string") problems.push(`error: ${result}`);
        else after.push(result);
      }
      if (options.list === true) for (const item of after) await printer.print(listText(item, field, after.length > 1));
      for (const problem of problems) await printer.printError(`${problem}\n`);
      return problems.length === 0 ? 0 : 1;
    },
  };
}

interface OneChange {
  readonly invocation: Invocation<MetadataOptions>;
  readonly changer: Changer;
  readonly kind: MetadataVerb;
  readonly words: PairWords;
  readonly item: Item;
}

/** The object afterwards, or what is wrong. */
async function changeOne({ invocation, changer, kind, words, item }: OneChange): Promise<Item | string> {
  const { options, printer } = invocation;
  const before = item.object.metadata?.[kind.field] ?? {};
  const other = Object.keys(words.set).flatMap((key): [string, string][] => {
    const value = own(before, key);
    return value !== undefined && value !== words.set[key] ? [[key, value]] : [];
  });
  if (other.length > 0 && options.overwrite !== true) return kind.taken(other);
  for (const key of words.remove.filter((removed) => !Object.hasOwn(before, removed))) {
    if (kind.noun === "label") await printer.print(`label ${JSON.stringify(key)} not found.\n`);
  }
  const change = {
    added: Object.keys(words.set).some((key) => own(before, key) !== words.set[key]),
    removed: words.remove.some((key) => Object.hasOwn(before, key)),
  };
  const values: JsonObject = { ...words.set, ...Object.fromEntries(words.remove.map((key): [string, Json] => [key, null])) };
  const version: JsonObject = options.resourceVersion === undefined ? {} : { resourceVersion: options.resourceVersion };
  const { item: after } = await changer.patch(item, mergePatch({ metadata: { [kind.field]: values, ...version } }));
  if (options.list !== true || changer.format.as !== "table") await changer.report(after, kind.done(change));
  return after;
}

function listText({ kind, object }: Item, field: "labels" | "annotations", several: boolean): string {
  const pairs = Object.entries(object.metadata?.[field] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const title = field === "labels" ? "labels" : "annotations";
  const head = several ? `Listing ${title} for ${kind.kind}/${object.metadata?.name ?? ""}:\n` : "";
  return `${head}${pairs.map(([key, value]) => `${several ? " " : ""}${key}=${printable(value)}\n`).join("")}`;
}
