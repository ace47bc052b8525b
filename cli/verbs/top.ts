/* `podwire top`: what pods and nodes use, in kubectl's columns and words. */

import { Option } from "commander";
import type { NodeMetrics, PodMetrics } from "#proto/podwire/v1/metrics.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import { type Connection, connect } from "../connect.ts";
import { getOne, listAll, type Query } from "../objects.ts";
import { formatAge } from "../output/age.ts";
import { createTable } from "../output/table.ts";
import { nodesTable, podsTable, type SortBy, type TopTable } from "../output/top-rows.ts";
import { kindOf } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface TopOptions {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly containers?: boolean;
  readonly sortBy?: SortBy;
  readonly sum?: boolean;
  readonly traffic?: boolean;
  /** commander's reading of --no-headers. */
  readonly headers: boolean;
}

export const topVerb: Verb<TopOptions> = {
  usage: "(pods | nodes) [NAME | -l LABELS] [flags]",
  description:
    "Show what pods (pod, po) or nodes (node, no) use: thousandths of a core, the mean of the last seconds, and MiB of memory. A node's are those of its pods and its agent.",
  examples: `
    # The pods of the namespace, the busiest first; one pod's containers
    podwire top pods --sort-by=cpu
    podwire top pod web --containers

    # All pods and their sum
    podwire top pods -A --sum

    # What comes to the pods by Services: requests (by TCP about one for each segment that pushes) and connections
    podwire top pods --traffic

    # The nodes
    podwire top nodes`,
  flags(command) {
    command
      .option("-A, --all-namespaces", "pods of all namespaces")
      .option("-l, --selector <labels>", "only those with these labels: app=web,tier!=db,env in (a,b)")
      .option("--containers", "pods: a line for each container")
      .addOption(new Option("--sort-by <what>", "the largest first, by cpu or memory").argParser(parseSortBy))
      .option("--sum", "pods: a last line with their sum")
      .option("--traffic", "pods: requests and connections a second that come by Services, and the network's bytes so far")
      .option("--no-headers", "no line of titles");
  },
  async run(invocation) {
    const { args, afterDashes = [], options } = invocation;
    const [what, name, ...stray] = [...args, ...afterDashes];
    if (what === undefined) throw new UsageError("say what to show: top pods or top nodes", { inFlags: true });
    const subject = subjects.find(({ words }) => words.includes(what));
    if (subject === undefined)
      throw new UsageError(`unknown command ${JSON.stringify(what)} for "podwire top": want pods or nodes`);
    if (stray.length > 0) throw new UsageError(`top ${what} takes one NAME, not ${stray.length + 1}`, { inFlags: true });
    if (name !== undefined && options.selector !== undefined)
      throw new UsageError("only one of NAME or selector can be provided");
    using connection = await connect(invocation);
    const table = await subject.show({ invocation, connection, name });
    if (table === undefined) return 0;
    const { titles, rows } = table;
    await invocation.printer.print(createTable({ titles, header: options.headers }).render(rows));
    return 0;
  },
};

function parseSortBy(text: string): SortBy {
  if (text === "cpu" || text === "memory") return text;
  throw new UsageError("--sort-by accepts only cpu or memory");
}

interface Request {
  readonly invocation: Invocation<TopOptions>;
  readonly connection: Connection;
  readonly name: string | undefined;
}

interface Subject {
  readonly words: readonly string[];
  /** Undefined where there is nothing to show, and that was said. */
  show(request: Request): Promise<TopTable | undefined>;
}

const subjects: readonly Subject[] = [
  { words: ["pods", "pod", "po"], show: showPods },
  { words: ["nodes", "node", "no"], show: showNodes },
];

async function showPods(request: Request): Promise<TopTable | undefined> {
  const { invocation, connection } = request;
  const { options, globals, printer, signal } = invocation;
  const { allNamespaces: withNamespace = false, containers = false, sum = false, traffic = false, sortBy } = options;
  if (containers && traffic) throw new UsageError("--traffic is of pods: it can't be used with --containers", { inFlags: true });
  const namespace = withNamespace ? "" : globals.namespace;
  const pods: PodMetrics[] = [];
  for await (const { items } of connection.client.podMetrics(requestOf(request, namespace), connection.prompt(signal))) {
    pods.push(...items);
  }
  if (pods.length > 0) return podsTable(pods, { containers, withNamespace, sum, traffic, sortBy });
  await refuseUnmeasured(request, { kind: kindOf("pods"), namespace, labelSelector: options.selector ?? "" });
  await printer.printError(`No resources found${withNamespace ? "" : ` in ${namespace} namespace.`}\n`);
  return undefined;
}

/** After so long a pod without metrics isn't just new. */
const newPodMs = 120_000;

/** Where there are pods, the lack of metrics is an error. */
async function refuseUnmeasured({ connection, invocation }: Request, query: Query): Promise<void> {
  const items = await listAll(connection, query, invocation.signal);
  if (items.length === 0) return;
  const nowMs = invocation.context.clock.wallMs();
  for (const { object } of items) {
    const { namespace, name, creationTimestamp } = (object as Pod).metadata ?? {};
    const ageMs = nowMs - Date.parse(creationTimestamp ?? "");
    if (ageMs > newPodMs) throw new UsageError(`Metrics not available for pod ${namespace}/${name}, age: ${formatAge(ageMs)}`);
  }
  throw new UsageError("metrics not available yet");
}

async function showNodes(request: Request): Promise<TopTable> {
  const { invocation, connection, name } = request;
  const { options, signal } = invocation;
  const { allNamespaces = false, containers = false, sum = false, traffic = false } = options;
  const stray = Object.entries({ "all-namespaces": allNamespaces, containers, sum, traffic }).find(([, given]) => given)?.[0];
  if (stray !== undefined) throw new UsageError(`unknown flag: --${stray} (it is for top pods)`, { inFlags: true });
  const metrics: NodeMetrics[] = [];
  for await (const { items } of connection.client.nodeMetrics(requestOf(request, ""), connection.prompt(signal))) {
    metrics.push(...items);
  }
  if (metrics.length === 0) throw new UsageError("metrics not available yet");
  const kind = kindOf("nodes");
  const query = { kind, namespace: "", labelSelector: options.selector ?? "" };
  const found =
    name === undefined
      ? await listAll(connection, query, signal)
      : [await getOne(connection, { kind, namespace: "", name }, signal)];
  return nodesTable(
    metrics,
    found.map(({ object }) => object as Node),
    options.sortBy,
  );
}

function requestOf({ name = "", invocation }: Request, namespace: string) {
  return { namespace, name, labelSelector: invocation.options.selector ?? "", fieldSelector: "" };
}
