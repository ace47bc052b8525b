/* `podwire down`: ends a cluster of this machine and everything in it. */

import { defaultClusterName } from "../../embedded/cluster-config.ts";
import { down } from "../../embedded/down.ts";
import { findClusters } from "../../embedded/find-clusters.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";

interface DownOptions {
  readonly name?: string;
  readonly all?: boolean;
}

export const downVerb: Verb<DownOptions> = {
  usage: "[--name NAME | --all]",
  description: `End a cluster of this machine: every process, network namespace, device and file of it goes, at once and without asking
the pods. Without --name it is the only cluster there is.`,
  examples: `
    podwire down
    podwire down --name staging
    podwire down --all`,
  flags(command) {
    command
      .option("--name <name>", "which cluster; the only one where it is absent")
      .option("--all", "every cluster of this user");
  },
  async run({ args, options, globals, context, printer }) {
    if (args.length > 0)
      throw new UsageError(`down takes no arguments: name the cluster with --name ${args[0]}`, { inFlags: true });
    const { env } = context;
    const all = () => findClusters(env, "own").map(({ name }) => name);
    const names = options.all === true ? all() : [options.name ?? globals.cluster ?? theOnly(all())];
    for (const name of names) {
      const wasUp = await down(name, env);
      await printer.print(wasUp ? `cluster "${name}" is down\n` : `no cluster "${name}" was up\n`);
    }
    return 0;
  },
};

function theOnly(names: readonly string[]): string {
  if (names.length > 1)
    throw new UsageError(`several clusters are up: ${names.join(", ")}. Choose one with --name NAME, or --all`);
  return names[0] ?? defaultClusterName;
}
