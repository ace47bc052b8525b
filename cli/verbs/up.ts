/* `podwire up`: a cluster on this machine, in the foreground until Ctrl-C or detached. */

import { Option } from "commander";
import { aborted } from "#core/aborted.ts";
import { parseCapacity } from "#core/capacity.ts";
import { AppError } from "#core/errors.ts";
import { labelNameProblem, labelValueProblem } from "#core/names.ts";
import { parseTimeScale } from "#core/time-scale.ts";
import { type LogLevel, logLevels } from "#process/log.ts";
import { type ClusterConfig, defaultClusterName, type NodeGroupConfig } from "../../embedded/cluster-config.ts";
import { down } from "../../embedded/down.ts";
import { type RunningCluster, up } from "../../embedded/up.ts";
import { readManifests } from "../manifests.ts";
import { badFlag, UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { fileFlags } from "../write.ts";
import { applyVerb } from "./apply.ts";
import { verifyVerb } from "./verify.ts";

interface UpOptions {
  readonly name?: string;
  readonly nodes?: string;
  readonly zones?: string;
  readonly podCidr?: string;
  readonly serviceCidr?: string;
  readonly loadBalancerCidr?: string;
  readonly timeScale?: string;
  readonly metricsPort?: string;
  readonly nodeGroup?: string;
  readonly nodeCapacity?: string;
  readonly logLevel?: string;
  readonly detach?: boolean;
  readonly verify?: boolean;
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
}

export const upVerb: Verb<UpOptions> = {
  usage: "[flags]",
  description: `Start a cluster on this machine: a control plane and nodes, each a host of its own. It is there until Ctrl-C,
or with --detach until \`podwire down\`. Nothing of it touches the machine's own network, and nothing stays behind. It needs no root where
the system lets ordinary users have user namespaces; pods then have one user, root.`,
  examples: `
    # Three nodes until Ctrl-C
    podwire up

    # Five nodes in the background, with pods
    podwire up --nodes 5 --detach -f examples/hello.yaml

    # Three nodes in two zones
    podwire up --zones a=2,b=1

    # Pods of a lost node go after 15 seconds instead of 300
    podwire up --time-scale 20

    # Two nodes, and up to six when pods need them; each takes pods of one cpu in all
    podwire up --nodes 2 --node-group default=2..6 --node-capacity cpu=1

    # A second cluster beside the first
    podwire up --name staging --detach`,
  flags(command) {
    command
      .option("--name <name>", `the cluster's name; "${defaultClusterName}" where it is absent`)
      .option("--nodes <count>", "how many nodes; 3 where it is absent")
      .option("--zones <zone=count,…>", "how many nodes in each zone, as their label topology.kubernetes.io/zone says")
      .option("--pod-cidr <cidr>", "all pods' addresses; each node gets a /24 of them", "10.244.0.0/16")
      .option("--service-cidr <cidr>", "all Services' addresses", "10.96.0.0/16")
      .option("--load-balancer-cidr <cidr>", "the addresses of LoadBalancers", "10.97.0.0/24")
      .option("--time-scale <factor>", "the control plane's timers run so many times as fast; the network does not", "1")
      .addOption(new Option("--log-level <level>", "how much the daemons log").choices([...logLevels]).default("info"))
      .option("--node-group <name=min..max>", "nodes come when pods need them and go when they don't; the first ones are of it")
      .option(
        "--node-capacity <resource=quantity,…>",
        "what each node says that it has of cpu, memory and pods; the machine's where absent",
      )
      .option("--metrics-port <port>", "every host tells Prometheus about itself, at its own address's port")
      .option("-d, --detach", "leave the cluster running and return")
      .option("--verify", "prove the network model once it is up");
    fileFlags(command);
  },
  async run(invocation) {
    const { args, options, globals, context, printer, signal } = invocation;
    if (args.length > 0) throw new UsageError(`up takes no arguments, got ${args.join(" ")}`, { inFlags: true });
    const config = configOf(options, globals.cluster);
    const paths = options.filename ?? [];
    if (paths.includes("-"))
      throw new UsageError("up reads no standard input: use `podwire apply -f -` once it is up", { inFlags: true });
    // A file that can't be read is found before anything is made.
    if (paths.length > 0) await readManifests({ paths, recursive: options.recursive === true, stdin: context.stdin });

    const startedMs = context.clock.monotonicMs();
    const nodes = config.nodeCount === 1 ? "1 node" : `${config.nodeCount} nodes`;
    const onStart = () => printer.printError(`Starting cluster "${config.name}": a control plane and ${nodes}\n`);
    const foreground = options.detach !== true;
    const cluster = await up({ config, env: context.env, clock: context.clock, foreground, signal, onStart });
    const seconds = ((context.clock.monotonicMs() - startedMs) / 1000).toFixed(2);
    try {
      await printer.print(
        `cluster "${config.name}" is up: ${config.nodeCount} nodes Ready after ${seconds} s${compressed(config)}\n`,
      );
      const inside = { ...invocation, globals: { ...globals, cluster: config.name, server: undefined } };
      const code = await settle(inside, options);
      if (foreground && !signal.aborted) await hold(inside, cluster, config.name);
      return code;
    } catch (error) {
      if (!foreground) await down(config.name, context.env);
      throw error;
    } finally {
      if (foreground) {
        await down(config.name, context.env);
        await printer.printError(`cluster "${config.name}" is down\n`);
      }
    }
  },
};

function compressed({ timeScale }: ClusterConfig): string {
  return timeScale === 1 ? "" : `; its control plane's timers run ${timeScale} times as fast`;
}

/** Applies and verifies as asked; the exit code. */
async function settle(invocation: Invocation, options: UpOptions): Promise<number> {
  if (options.filename !== undefined) {
    await applyVerb.run({ ...invocation, options: { filename: options.filename, recursive: options.recursive === true } });
  }
  return options.verify === true ? verifyVerb.run({ ...invocation, options: {} }) : 0;
}

async function hold({ printer, signal }: Invocation, cluster: RunningCluster, name: string): Promise<void> {
  const prefix = name === defaultClusterName ? "./podwire" : `./podwire --cluster ${name}`;
  await printer.print(
    [
      "",
      "Try, in another terminal:",
      `  ${prefix} get nodes -o wide`,
      `  ${prefix} get pods -A -o wide`,
      `  ${prefix} verify`,
      "Ctrl-C ends the cluster.",
      "",
    ].join("\n"),
  );
  const end = await Promise.race([cluster.ended, aborted(signal)]);
  if (end !== "died") return;
  const said = cluster.complaints();
  const because = said === "" ? "" : `. Its logs ended with:\n${said}`;
  throw new AppError("internal", `the cluster "${name}" died: its sandbox's first process ended${because}`);
}

function configOf(options: UpOptions, cluster: string | undefined): ClusterConfig {
  const zones = parseZones(options.zones);
  if (options.zones !== undefined && options.nodes !== undefined)
    throw new UsageError("--nodes and --zones both say how many nodes: give one of them", { inFlags: true });
  const nodes = options.nodes ?? "3";
  if (!/^[0-9]+$/.test(nodes)) throw badFlag("--nodes", nodes, "want a whole number");
  return {
    name: options.name ?? cluster ?? defaultClusterName,
    nodeCount: options.zones === undefined ? Number(nodes) : Object.values(zones).reduce((sum, count) => sum + count, 0),
    zones,
    podCidr: options.podCidr ?? "10.244.0.0/16",
    serviceCidr: options.serviceCidr ?? "10.96.0.0/16",
    loadBalancerCidr: options.loadBalancerCidr ?? "10.97.0.0/24",
    logLevel: (options.logLevel ?? "info") as LogLevel,
    timeScale: parseTimeScale(options.timeScale ?? "1"),
    nodeGroup: options.nodeGroup === undefined ? undefined : parseNodeGroup(options.nodeGroup),
    nodeCapacity: options.nodeCapacity === undefined ? undefined : parseCapacity("--node-capacity", options.nodeCapacity),
    metricsPort: options.metricsPort === undefined ? undefined : parseMetricsPort(options.metricsPort),
  };
}

/** `a=2,b=1` */
function parseZones(text: string | undefined): Record<string, number> {
  const zones: Record<string, number> = {};
  if (text === undefined) return zones;
  for (const part of text.split(",")) {
    const [, zone = "", count = ""] = /^([^=]+)=([1-9][0-9]*)$/.exec(part) ?? [];
    if (zone === "") throw badFlag("--zones", text, "want ZONE=COUNT,… with counts from 1, such as a=2,b=1");
    const problem = labelValueProblem(zone);
    if (problem !== undefined) throw badFlag("--zones", text, `zone "${zone}": ${problem}`);
    if (Object.hasOwn(zones, zone)) throw badFlag("--zones", text, `zone "${zone}" is named twice`);
    zones[zone] = Number(count);
  }
  return zones;
}

/** `default=2..6` */
function parseNodeGroup(text: string): NodeGroupConfig {
  const [, name = "", min = "", max = ""] = /^([^=]+)=([0-9]+)\.\.([0-9]+)$/.exec(text) ?? [];
  if (name === "") throw badFlag("--node-group", text, "want NAME=MIN..MAX, such as default=2..6");
  const problem = labelNameProblem(name);
  if (problem !== undefined) throw badFlag("--node-group", text, `name "${name}": ${problem}`);
  if (Number(max) < Math.max(1, Number(min)))
    throw badFlag("--node-group", text, "want a most that is at least 1 and not below the least");
  return { name, min: Number(min), max: Number(max) };
}

function parseMetricsPort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port < 1 || port > 65_535)
    throw new UsageError(`--metrics-port ${text}: want a number from 1 to 65535`);
  return port;
}
