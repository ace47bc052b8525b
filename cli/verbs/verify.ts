/* `podwire verify`: the rules of the network model, proved on the running cluster from inside pods that it makes and removes. */

import { connect } from "../connect.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";
import { allPassed, renderVerdicts } from "../verify/render.ts";
import { verifyCluster } from "../verify/run.ts";

interface VerifyOptions {
  readonly output?: string;
  readonly quick?: boolean;
}

export const verifyVerb: Verb<VerifyOptions> = {
  usage: "[flags]",
  description: `Prove the rules of the Kubernetes network model on the running cluster, from inside pods that are made for it and removed:
who reaches whom over TCP, UDP and ICMP, under which address, whether payloads of every size arrive whole, what the containers of a
pod share, and that a pod made anew has a new address.
The exit code is 1 where a rule does not hold.`,
  examples: `
    # A table with the evidence
    podwire verify

    # Thirty nodes in seconds
    podwire verify --quick

    # For a program
    podwire verify -o json`,
  flags(command) {
    command
      .option("--quick", "each node looks at the next one only, and no pod is made anew: for many nodes")
      .option("-o, --output <format>", "json");
  },
  async run(invocation) {
    const { args, options, printer, signal } = invocation;
    if (args.length > 0) throw new UsageError(`verify takes no arguments, got ${args.join(" ")}`, { inFlags: true });
    if (options.output !== undefined && options.output !== "json")
      throw new UsageError("--output must be 'json'", { inFlags: true });
    using connection = await connect(invocation);
    const say = (text: string) => printer.printError(`${text}\n`);
    const verdicts = await verifyCluster(connection, { quick: options.quick === true, say }, signal);
    await printer.print(
      options.output === "json"
        ? `${JSON.stringify({ holds: allPassed(verdicts), rules: verdicts }, undefined, 2)}\n`
        : renderVerdicts(verdicts),
    );
    return allPassed(verdicts) ? 0 : 1;
  },
};
