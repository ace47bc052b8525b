/* `podwire clusters`: what runs on this machine, whether it answers or not. */

import { formatTimestamp } from "#core/clock.ts";
import type { JsonObject } from "#core/json.ts";
import { nodeKind } from "#core/objects/node.ts";
import { userName } from "#kernel/users.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import { sweepDead } from "../../embedded/cluster-folder.ts";
import { type FoundCluster, findClusters } from "../../embedded/find-clusters.ts";
import { connect } from "../connect.ts";
import { listAll } from "../objects.ts";
import { ageOf } from "../output/age.ts";
import { renderJsonList } from "../output/documents.ts";
import { nodeStatusText } from "../output/node-columns.ts";
import { parseOutputFormat } from "../output/output-format.ts";
import { createTable } from "../output/table.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface ClustersOptions {
  readonly allUsers?: boolean;
  readonly output?: string;
  /** commander's reading of --no-headers. */
  readonly headers: boolean;
}

interface ClusterReport extends FoundCluster {
  readonly status: "Starting" | "Ready" | "NotReady" | "Unreachable" | "Ending" | "Unknown";
  /** Undefined where nobody tells. */
  readonly nodes: { readonly ready: number; readonly total: number } | undefined;
}

const answerMs = 2_000;

export const clustersVerb: Verb<ClustersOptions> = {
  usage: "[-A] [-o json|yaml|name|jsonpath=TEMPLATE] [flags]",
  description: `List the clusters of this machine: how they are, since when, whose they are, and where their control planes answer. Clusters
share nothing, not even where they have the same addresses. --cluster NAME chooses one of your own for any other command, --server one of
another user's, where you may open its socket.`,
  examples: `
    podwire clusters

    # Everybody's; as root, with their state
    podwire clusters --all-users

    # Ask each of them something
    for name in $(podwire clusters -o name); do podwire --cluster "$name" get pods -A; done`,
  flags(command) {
    command
      .option("-A, --all-users", "other users' clusters, too")
      .option("-o, --output <format>", "json, yaml, name or jsonpath=TEMPLATE")
      .option("--no-headers", "no line of titles");
  },
  async run(invocation) {
    const { args, options, context, printer } = invocation;
    if (args[0] !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(args[0])}: clusters takes none`);
    const format = parseOutputFormat(options.output, { tables: false });
    sweepDead(context.env, context.clock.wallMs());
    const found = findClusters(context.env, options.allUsers === true ? "everybody's" : "own");
    if (format.as === "name") {
      await printer.print(found.map(({ name }) => `${name}\n`).join(""));
      return 0;
    }
    const reports = await Promise.all(found.map((cluster) => reportOn(cluster, invocation)));
    if (format.as !== "table") await printer.print(await renderJsonList(reports.map(documentOf), format));
    else if (reports.length === 0) await printer.printError("No clusters found.\n");
    else {
      const titles = ["NAME", "STATUS", "NODES", "AGE", "OWNER", "SERVER"];
      const table = createTable({ titles, header: options.headers, paint: printer.paint });
      await printer.print(table.render(reports.map((report) => rowOf(report, context.clock.wallMs()))));
    }
    return 0;
  },
};

async function reportOn(cluster: FoundCluster, invocation: Invocation): Promise<ClusterReport> {
  switch (cluster.state) {
    case "starting":
      return { ...cluster, status: "Starting", nodes: undefined };
    case "ending":
      return { ...cluster, status: "Ending", nodes: undefined };
    case "closed":
      return { ...cluster, status: "Unknown", nodes: undefined };
    case "running": {
      const nodes = await nodesOf(cluster, invocation);
      if (nodes === undefined) return { ...cluster, status: "Unreachable", nodes };
      return { ...cluster, status: isWhole(nodes) ? "Ready" : "NotReady", nodes };
    }
  }
}

/** Before the first has joined there is nothing that could be ready. */
function isWhole({ ready, total }: NonNullable<ClusterReport["nodes"]>): boolean {
  return total > 0 && ready === total;
}

async function nodesOf({ socket }: FoundCluster, { globals, context, signal }: Invocation): Promise<ClusterReport["nodes"]> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  try {
    const place = { ...globals, server: `unix:${socket}`, cluster: undefined, tokenFile: undefined };
    using connection = await connect({ globals: place, context, signal: within });
    const nodes = await listAll(connection, { kind: nodeKind, namespace: "" }, within);
    const ready = nodes.filter(({ object }) => nodeStatusText(object as Node).split(",")[0] === "Ready");
    return { ready: ready.length, total: nodes.length };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function rowOf({ name, status, nodes, startedMs, uid, socket }: ClusterReport, nowMs: number): string[] {
  const counts = nodes === undefined ? "?" : `${nodes.ready}/${nodes.total}`;
  return [name, status, counts, ageOf(formatTimestamp(startedMs), nowMs), userName(uid), `unix:${socket}`];
}

function documentOf({ name, status, nodes, startedMs, uid, socket }: ClusterReport): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Cluster",
    metadata: { name, creationTimestamp: formatTimestamp(startedMs) },
    status: { phase: status, owner: userName(uid), server: `unix:${socket}`, ...(nodes === undefined ? {} : { nodes }) },
  };
}
