/* What a session's first message does: one commit gives the session its epoch and the Node what the agent says of itself. And what the
 * word does that its host shuts down. */

import type { Clock } from "#core/clock.ts";
import { timestamp } from "#core/clock.ts";
import { AppError, invalid, isAppError } from "#core/errors.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { nodeKind } from "#core/objects/node.ts";
import type { Hello } from "#proto/podwire/v1/agent.ts";
import type { Node, NodeAddress } from "#proto/podwire/v1/resources.ts";
import type { PodCidrRange } from "../ipam/allocator.ts";
import { setCondition } from "../state/conditions.ts";
import { findObject, metadataOf, putObject, retryConflicts, unchanged, updateObject } from "../state/objects.ts";
import type { Store } from "../store/store.ts";
import { findIdentity, putIdentity } from "./identity.ts";
import { wantedReady } from "./ready.ts";
import { tunnelEndpointAnnotation } from "./state.ts";
import type { Session } from "./table.ts";

export interface HelloContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly range: PodCidrRange;
}

/** Answers the session's epoch. Throws why the session ended where another took its place meanwhile. */
export function recordHello(session: Session, hello: Hello, { store, clock, range }: HelloContext): Promise<number> {
  return retryConflicts(async () => {
    if (session.endReason !== undefined) throw session.endReason;
    const identity = findIdentity(store, session.node);
    const found = findObject(store, nodeKind, { name: session.node });
    if (identity === undefined || found === undefined) {
      throw new AppError("unauthenticated", `node "${session.node}" was deleted: join again`);
    }
    const epoch = identity.epoch + 1;
    const node = setReady(withHello(found.object, hello), { clock, range, leaving: false });
    await store.commit({
      checks: [unchanged(found.entry), unchanged(identity.entry)],
      writes: [putObject(nodeKind, node), putIdentity(session.node, { ...identity, epoch })],
    });
    return epoch;
  });
}

/** The node takes no pods any more, from this moment on and not only when its lease has lapsed. */
export async function recordShutdown(name: string, { store, clock, range }: HelloContext): Promise<void> {
  const change = (node: Node) => setReady(node, { clock, range, leaving: true });
  await updateObject(store, nodeKind, { name, change });
}

/** Throws "invalid" where an address can't be one. Both may be empty: such a node has no tunnel. */
export function checkHello({ bootId, internalIP, tunnelEndpoint }: Hello): void {
  if (bootId === "") throw invalid("hello: boot_id is empty");
  if (internalIP !== "") withPlace("hello: internalIP", () => parseIpv4(internalIP));
  if (tunnelEndpoint !== "") {
    const [, host = "", port = ""] = /^(.+):([0-9]{1,5})$/.exec(tunnelEndpoint) ?? [];
    if (host === "" || Number(port) < 1 || Number(port) > 65535) {
      throw invalid(`hello: tunnel_endpoint "${tunnelEndpoint}" must be HOST:PORT`);
    }
  }
}

function withPlace(place: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (isAppError(error, "invalid")) throw invalid(`${place}: ${error.message}`);
    throw error;
  }
}

function withHello(node: Node, hello: Hello): Node {
  const metadata = metadataOf(node);
  const addresses: NodeAddress[] = [{ type: "Hostname", address: metadata.name }];
  if (hello.internalIP !== "") addresses.unshift({ type: "InternalIP", address: hello.internalIP });
  const { [tunnelEndpointAnnotation]: _, ...annotations } = metadata.annotations;
  if (hello.tunnelEndpoint !== "") annotations[tunnelEndpointAnnotation] = hello.tunnelEndpoint;
  return {
    ...node,
    metadata: { ...metadata, annotations, labels: { ...metadata.labels, ...platformLabels(hello) } },
    status: {
      conditions: node.status?.conditions ?? [],
      addresses,
      nodeInfo: hello.nodeInfo,
      capacity: hello.capacity,
      allocatable: hello.capacity,
    },
  };
}

/** What manifests for Kubernetes select nodes by. */
function platformLabels({ nodeInfo }: Hello): Record<string, string> {
  const { operatingSystem = "", architecture = "" } = nodeInfo ?? {};
  return {
    ...(operatingSystem === "" ? {} : { "kubernetes.io/os": operatingSystem }),
    ...(architecture === "" ? {} : { "kubernetes.io/arch": architecture }),
  };
}

interface ReadyContext extends Omit<HelloContext, "store"> {
  readonly leaving: boolean;
}

function setReady(node: Node, { clock, range, leaving }: ReadyContext): Node {
  const wanted = wantedReady({ node, live: true, heard: true, leaving, range });
  if (wanted === undefined || node.status === undefined) return node;
  const conditions = [...setCondition(node.status.conditions, wanted, timestamp(clock))];
  return { ...node, status: { ...node.status, conditions } };
}
