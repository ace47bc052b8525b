import type { Kind } from "#core/objects/kind.ts";
import { kinds } from "#core/objects/kinds.ts";
import { createTable } from "../output/table.ts";
import { badFlag, UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";

interface ApiResourcesOptions {
  readonly output?: string;
  readonly namespaced?: string | true;
  /** commander's reading of --no-headers. */
  readonly headers: boolean;
}

export const apiResourcesVerb: Verb<ApiResourcesOptions> = {
  usage: "[-o wide|name] [--namespaced=true|false] [flags]",
  description: "Print the kinds of object: their names, short names, and whether they are in namespaces.",
  examples: `
    # All kinds; those that are in namespaces, by name only
    podwire api-resources
    podwire api-resources --namespaced -o name`,
  flags(command) {
    command
      .option("-o, --output <format>", "wide or name")
      .option("--namespaced [value]", "true: only kinds in namespaces; false: only the others")
      .option("--no-headers", "no line of titles");
  },
  async run({ options, args, printer }) {
    if (args[0] !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(args[0])}: api-resources takes none`);
    const { output = "" } = options;
    if (!["", "wide", "name"].includes(output)) throw new UsageError(`--output ${output} is not available: want wide or name`);
    const wanted = booleanOf(options.namespaced);
    const shown = kinds
      .filter((kind) => wanted === undefined || kind.namespaced === wanted)
      .toSorted((a, b) => (a.plural < b.plural ? -1 : 1));
    if (output === "name") await printer.print(shown.map((kind) => `${qualifiedPlural(kind)}\n`).join(""));
    else {
      const wide = output === "wide";
      const titles = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", ...(wide ? ["VERBS", "CATEGORIES"] : [])];
      await printer.print(createTable({ titles, header: options.headers }).render(shown.map((kind) => rowOf(kind, wide))));
    }
    return 0;
  },
};

function booleanOf(value: string | true | undefined): boolean | undefined {
  if (value === undefined || value === true) return value;
  if (value === "true" || value === "false") return value === "true";
  throw badFlag("--namespaced", value, "want true or false");
}

/** `pods`, `deployments.apps` */
function qualifiedPlural({ plural, apiVersion }: Kind): string {
  return apiVersion.includes("/") ? `${plural}.${apiVersion.split("/")[0]}` : plural;
}

function rowOf(kind: Kind, wide: boolean): string[] {
  const cells = [kind.plural, kind.shortNames.join(","), kind.apiVersion, String(kind.namespaced), kind.kind];
  return wide ? [...cells, "create,delete,get,list,patch,update,watch", kind.categories.join(",")] : cells;
}
