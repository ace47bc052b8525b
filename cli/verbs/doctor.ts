/* `podwire doctor`: whether this machine has what a cluster needs, and how to get what it lacks. */

import { obstacles } from "#kernel/checks/check.ts";
import { checkNodeCount } from "../../embedded/cluster-config.ts";
import { examineMachine } from "../../embedded/machine.ts";
import { sandboxEnv } from "../../embedded/up.ts";
import { paintFor } from "../colour.ts";
import { findingsAsJson, renderFindings } from "../doctor/render.ts";
import { badFlag, UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";

interface DoctorOptions {
  readonly nodes?: string;
  readonly output?: string;
}

export const doctorVerb: Verb<DoctorOptions> = {
  usage: "[flags]",
  description: `Check whether this machine has what a cluster needs: programs, namespaces, devices, nftables, memory and limits. Each
check tells what was found and, where something is amiss, how to mend it. What it tries, it tries in namespaces that end with it.
The exit code is 1 where \`podwire up\` would refuse.`,
  examples: `
    # A cluster of three nodes
    podwire doctor

    # Room for fifty
    podwire doctor --nodes 50

    # For a program
    podwire doctor -o json`,
  flags(command) {
    command.option("--nodes <count>", "how many nodes there is to be room for", "3").option("-o, --output <format>", "json");
  },
  async run({ args, options, context, printer, signal }) {
    if (args.length > 0) throw new UsageError(`doctor takes no arguments, got ${args.join(" ")}`, { inFlags: true });
    if (options.output !== undefined && options.output !== "json")
      throw new UsageError("--output must be 'json'", { inFlags: true });
    const nodes = options.nodes ?? "3";
    if (!/^[0-9]+$/.test(nodes)) throw badFlag("--nodes", nodes, "want a whole number");
    const nodeCount = Number(nodes);
    checkNodeCount(nodeCount);
    const findings = await examineMachine({ nodeCount, env: sandboxEnv(context.env), signal });
    await printer.print(
      options.output === "json"
        ? findingsAsJson(findings, nodeCount)
        : renderFindings(findings, nodeCount, paintFor(context.stdout, context.env)),
    );
    return obstacles(findings).length === 0 ? 0 : 1;
  },
};
