/* `podwire node`: hosts come and go while a cluster of this machine runs. */

import { Option } from "commander";
import { isAppError } from "#core/errors.ts";
import { durationFlag } from "../duration.ts";
import { connectHosts } from "../nodes/cluster-hosts.ts";
import { type NodeOptions, type NodeRequest, parseCount, parseZone, subcommandOf } from "../nodes/subcommands.ts";
import { serverError } from "../report.ts";
import type { Verb } from "../verb.ts";

interface NodeFlags extends Omit<NodeOptions, "noWait"> {
  /** commander's reading of --no-wait. */
  readonly wait: boolean;
}

export const nodeVerb: Verb<NodeFlags> = {
  usage: "(add | stop NAME… | start NAME… | kill NAME… | remove NAME… | list) [flags]",
  description: `Add, stop, start, kill and remove nodes of a cluster that \`podwire up\` made on this machine.

  add     a new host with the next free number; answers when its node is Ready
  stop    an orderly shutdown: pods get TERM and their grace period, then the agent ends, then the power is off
  start   boots a host that is off as the same node, with the same address and pod CIDR; its pods are run anew
  kill    the power cord: every process of the host ends at once, and its network is gone
  remove  stops the host, where it runs, and deletes its Node object, so that its pod CIDR is free
  list    every host, and whether it is on`,
  examples: `
    # Two more nodes in a zone
    podwire node add --zone b --count 2

    # The loss of a node, and its return
    podwire node kill node-2
    podwire node start node-2

    # One less, in order
    podwire node remove node-5

    # Each host's first process, whose namespaces are the host
    podwire node list -o wide`,
  flags(command) {
    command
      .addOption(new Option("--zone <zone>", "of add: the zone, as the label topology.kubernetes.io/zone").argParser(parseZone))
      .option("--labels <key=value,…>", "of add: labels of the nodes")
      .addOption(new Option("--count <count>", "of add: how many; 1 where it is absent").argParser(parseCount))
      .option("--no-wait", "of add and start: don't wait until the nodes are Ready")
      .addOption(
        new Option(
          "--timeout <duration>",
          "of stop and remove: how long pods have at most for their end; 30s where it is absent",
        ).argParser(durationFlag("--timeout")),
      )
      .option("--force", "of remove: kill the host in place of stopping it")
      .addOption(new Option("-o, --output <format>", "of list: json, name or wide").choices(["json", "name", "wide"]));
  },
  async run(invocation) {
    const { options, args, afterDashes = [], printer } = invocation;
    const { wait, ...given } = options;
    const asked: NodeOptions = wait ? given : { ...given, noWait: true };
    const { subcommand, names } = subcommandOf([...args, ...afterDashes], asked);
    using hosts = await connectHosts(invocation);
    const request: NodeRequest = { hosts, options: asked, print: printer.print };
    const { action } = subcommand;
    if (action.on === "all") {
      await action.run(request);
      return 0;
    }
    const outcomes = await Promise.allSettled(names.map((name) => action.run(name, request)));
    const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    for (const error of failures) {
      if (!isAppError(error)) throw error;
      await printer.printError(`${serverError(error)}\n`);
    }
    return failures.length === 0 ? 0 : 1;
  },
};
