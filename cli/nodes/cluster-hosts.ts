/* The two sides of a cluster's nodes: the hosts, which the cluster's own socket adds and stops, and their Node objects. */

import type { Clock } from "#core/clock.ts";
import { AppError, isAppError } from "#core/errors.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import { clusterFolder } from "../../embedded/cluster-folder.ts";
import type { HostInfo, HostRequest } from "../../embedded/host-requests.ts";
import { askHosts } from "../../embedded/host-socket.ts";
import { type Connection, type ConnectRequest, connect } from "../connect.ts";
import { listAll } from "../objects.ts";
import { kindOf } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import { waitFor } from "../wait-for.ts";

export interface ClusterHosts extends Disposable {
  ask(request: HostRequest): Promise<readonly HostInfo[]>;
  /** Of every Node object. */
  nodeNames(): Promise<string[]>;
  /** Its Node object; one that is gone already will do. */
  deleteNode(name: string): Promise<void>;
  /** Resolves when the node is Ready after this boot of its host; "timeout" where that takes too long. */
  ready(host: HostInfo): Promise<void>;
}

const readyMs = 60_000;

/** Only of a cluster that `up` made on this machine. */
export async function connectHosts(request: ConnectRequest): Promise<ClusterHosts> {
  const { globals, context, signal } = request;
  if (globals.server !== undefined) {
    throw new UsageError(
      "--server names any control plane, but only a cluster that `podwire up` made on this machine has hosts to add and stop: name it with --cluster",
    );
  }
  const connection = await connect(request);
  const { hostSocket } = clusterFolder(connection.cluster ?? "", context.env);
  return {
    ask: (asked) => askHosts(hostSocket, asked, signal),
    async nodeNames() {
      const items = await listAll(connection, { kind: kindOf("nodes"), namespace: "" }, signal);
      return items.map(({ object }) => object.metadata?.name ?? "");
    },
    async deleteNode(name) {
      try {
        await connection.client.delete({ kind: "Node", namespace: "", name, dryRun: false }, connection.prompt(signal));
      } catch (error) {
        if (!isAppError(error, "not-found")) throw error;
      }
    },
    ready: (host) => untilReady(connection, host, { clock: context.clock, signal }),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function untilReady(connection: Connection, { name, bootID }: HostInfo, { clock, signal }: Patience): Promise<void> {
  const unmet = await waitFor({
    ...{ connection, clock, signal, timeoutMs: readyMs },
    targets: [{ kind: kindOf("nodes"), namespace: "", name }],
    judge: (_, object) => ({ state: isReady(object as Node | undefined, bootID) ? "met" : "pending" }),
  });
  if (unmet.length > 0) throw new AppError("timeout", `node "${name}" runs, but was not Ready within ${readyMs / 1_000} s`);
}

/** What the control plane knows of a node outlives its host: only with the new boot id is it the new one's. */
function isReady(node: Node | undefined, bootID: string | undefined): boolean {
  const { conditions = [], nodeInfo } = node?.status ?? {};
  return nodeInfo?.bootID === bootID && conditions.some(({ type, status }) => type === "Ready" && status === "True");
}
