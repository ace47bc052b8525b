/* The values of `-o`. */

import { UsageError } from "../usage-error.ts";
import { parseJsonPath, type Template } from "./jsonpath/parse.ts";

export type OutputFormat =
  | { readonly as: "table"; readonly wide: boolean }
  | { readonly as: "json" }
  | { readonly as: "yaml" }
  | { readonly as: "name" }
  | { readonly as: "jsonpath"; readonly template: Template };

/** `wide` only where the verb prints tables. */
export function parseOutputFormat(text: string | undefined, { tables }: { readonly tables: boolean }): OutputFormat {
  switch (text) {
    case undefined:
    case "":
      return { as: "table", wide: false };
    case "json":
    case "yaml":
    case "name":
      return { as: text };
    case "wide":
      if (tables) return { as: "table", wide: true };
      break;
    default:
  }
  if (text.startsWith("jsonpath=")) return { as: "jsonpath", template: parseJsonPath(text.slice("jsonpath=".length)) };
  if (text === "jsonpath")
    throw new UsageError("template format specified but no template given: -o jsonpath='{.metadata.name}'");
  const known = ["json", "yaml", "name", "jsonpath=TEMPLATE", ...(tables ? ["wide"] : [])].join(", ");
  throw new UsageError(
    `unable to match a printer suitable for the output format ${JSON.stringify(text)}, allowed formats are: ${known}`,
  );
}
