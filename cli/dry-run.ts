import { badFlag } from "./usage-error.ts";

export type DryRun = "none" | "client" | "server";

export function dryRunMode(text = "none"): DryRun {
  if (text === "none" || text === "client" || text === "server") return text;
  throw badFlag("--dry-run", text, 'must be "none", "server", or "client"');
}

/** What stands behind a message about something that was not really done. */
export function dryRunSuffix(mode: DryRun): string {
  switch (mode) {
    case "none":
      return "";
    case "client":
      return " (dry run)";
    case "server":
      return " (server dry run)";
  }
}
