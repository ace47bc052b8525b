/* Makes and removes the hosts of a node group as the control plane wants them: it decides how many nodes there are to be and which of them
 * have lost their pods (control-plane/autoscaling/nodes), this has the fleet. */

import { backoffMs } from "#core/backoff.ts";
import type { Clock } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import { nodeGroupKind, nodeGroupLabel } from "#core/objects/node-group.ts";
import type { Rng } from "#core/rng.ts";
import type { Logger } from "#process/log.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { NodeGroup } from "#proto/podwire/v1/resources.ts";
import { createRpcClient, type RpcClient } from "#rpc/client.ts";
import type { NodeGroupConfig } from "./cluster-config.ts";
import type { HostFleet } from "./host-fleet.ts";

export const embeddedProvider = "embedded";

export interface NodeProviderOptions {
  readonly group: NodeGroupConfig;
  /** The control plane's socket. */
  readonly socket: string;
  readonly fleet: HostFleet;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** A node that goes has no pods any more. */
const stopMs = 2_000;
const pause = { firstMs: 100, maxMs: 2_000 } as const;

/** Until the signal aborts. */
export async function provideNodes(options: NodeProviderOptions): Promise<void> {
  const { socket, clock, rng, log, signal } = options;
  using client = createRpcClient(ClusterService, { address: `unix:${socket}` });
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await create(client, options);
      for await (const group of changes(client, options)) {
        failures = 0;
        await follow(group, client, options);
      }
    } catch (error) {
      if (signal.aborted) return;
      // Its first moments, and those of a control plane that starts anew.
      const isAway = isAppError(error, "unavailable", "cancelled", "timeout");
      if (!isAway) log.warn({ err: error, group: options.group.name }, "the node group could not be followed; trying again");
    }
    await clock.sleep(backoffMs(failures, pause, rng), signal).catch(() => {});
  }
}

type Client = RpcClient<typeof ClusterService>;

/** What users made of it since then stays. */
async function create(client: Client, { group: { name, min, max }, signal }: NodeProviderOptions): Promise<void> {
  const { apiVersion, kind } = nodeGroupKind;
  const spec = { minSize: min, maxSize: max, provider: embeddedProvider };
  const manifests = [{ json: JSON.stringify({ apiVersion, kind, metadata: { name }, spec }), source: "" }];
  try {
    await client.create({ manifests, namespace: "", validate: "", dryRun: false }, { signal });
  } catch (error) {
    if (!isAppError(error, "already-exists")) throw error;
  }
}

async function* changes(client: Client, { group: { name }, signal }: NodeProviderOptions): AsyncGenerator<NodeGroup> {
  const request = { kind: nodeGroupKind.kind, namespace: "", labelSelector: "", fieldSelector: "", resourceVersion: "" };
  for await (const { events } of client.watch(request, { signal })) {
    const groups = events.flatMap(({ object }) => (object?.object?.$case === "nodeGroup" ? [object.object.value] : []));
    const newest = groups.findLast(({ metadata }) => metadata?.name === name);
    if (newest !== undefined) yield newest;
  }
}

async function follow({ spec, status }: NodeGroup, client: Client, options: NodeProviderOptions): Promise<void> {
  const { group, fleet, log } = options;
  if (spec?.provider !== embeddedProvider) return;
  const leaving = new Set(status?.removableNodes ?? []);
  for (const host of fleet.list()) if (leaving.has(host.name)) await remove(host.name, client, options);
  const own = fleet.list().filter(({ labels }) => labels[nodeGroupLabel] === group.name);
  const missing = (status?.targetSize ?? 0) - own.length;
  if (missing <= 0) return;
  const labels = Array.from({ length: missing }, () => ({ [nodeGroupLabel]: group.name }));
  const added = await fleet.add({ labels, taken: await nodeNames(client, options) });
  log.info({ group: group.name, nodes: added.map(({ name }) => name) }, "the node group got hosts");
}

/** In the order of `podwire node remove`: what is tried again finds the host still there. */
async function remove(name: string, client: Client, { fleet, group, log, signal }: NodeProviderOptions): Promise<void> {
  if (fleet.list().some((host) => host.name === name && host.power === "running")) await fleet.stop(name, stopMs);
  try {
    await client.delete({ kind: "Node", namespace: "", name, dryRun: false }, { signal });
  } catch (error) {
    if (!isAppError(error, "not-found")) throw error;
  }
  await fleet.remove(name);
  log.info({ group: group.name, node: name }, "the node group gave a host up");
}

async function nodeNames(client: Client, { signal }: NodeProviderOptions): Promise<string[]> {
  const names: string[] = [];
  for await (const { items } of client.list({ kind: "Node", namespace: "", labelSelector: "", fieldSelector: "" }, { signal })) {
    for (const { object } of items) if (object?.$case === "node") names.push(object.value.metadata?.name ?? "");
  }
  return names;
}
