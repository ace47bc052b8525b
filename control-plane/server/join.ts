/* Join trades the cluster's join token for an identity: a Node object, a block of the pod range and a credential, in one commit. */

import type { Clock } from "#core/clock.ts";
import { timestamp } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import { nodeKind } from "#core/objects/node.ts";
import type { Logger } from "#process/log.ts";
import type { JoinAnswer, JoinRequest } from "#proto/podwire/v1/agent.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import type { Ids } from "../ids.ts";
import { grantPodCidr, hasPodCidr, type PodCidrRange, withPodCidr } from "../ipam/allocator.ts";
import { findIdentity, identityKey, putIdentity, sha256 } from "../sessions/identity.ts";
import type { Leases } from "../sessions/leases.ts";
import type { SessionTable } from "../sessions/table.ts";
import { findObject, metadataOf, putObject, retryConflicts, unchanged } from "../state/objects.ts";
import type { Check, Store, Write } from "../store/store.ts";
import { refuseProblems, titleOf } from "./documents.ts";

export interface JoinContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly range: PodCidrRange;
  readonly leases: Leases;
  readonly sessions: SessionTable;
}

/** Joins one after the other: many at once would all choose the same block and all but one begin again. */
export function createJoin(context: JoinContext): (request: JoinRequest) => Promise<JoinAnswer> {
  let last: Promise<unknown> = Promise.resolve();
  return (request) => {
    const answer = last.then(() => retryConflicts(() => join(request, context)));
    last = answer.catch(() => {});
    return answer;
  };
}

async function join(request: JoinRequest, { store, clock, ids, log, range, leases, sessions }: JoinContext): Promise<JoinAnswer> {
  const { nodeName: name } = request;
  const found = findObject(store, nodeKind, { name });
  const identity = findIdentity(store, name);
  if (sessions.isLive(name)) {
    throw new AppError("already-exists", `a node named "${name}" has a live session: choose another name, or stop that agent`);
  }
  if (found?.object.metadata?.deletionTimestamp !== undefined) {
    throw new AppError("failed-precondition", `node "${name}" is being deleted: join when it is gone`);
  }
  let node = withLabels(found?.object ?? newNode(name, ids, clock), request.labels);
  const problems = nodeKind.validate(node).map((problem) => ({ source: "", title: titleOf("Node", name), problem }));
  refuseProblems(problems);

  const checks: Check[] = [
    found === undefined ? { key: `nodes/${name}`, is: "absent" } : unchanged(found.entry),
    identity === undefined ? { key: identityKey(name), is: "absent" } : unchanged(identity.entry),
  ];
  const writes: Write[] = [];
  if (!hasPodCidr(node)) {
    const grant = grantPodCidr(store, range, { nodeName: name, preferred: request.previousPodCIDR });
    if (grant === undefined) log.warn({ node: name }, "no pod CIDR is free: the node stays NotReady until one is");
    else {
      node = withPodCidr(node, grant.podCIDR);
      checks.push(...grant.checks);
      writes.push(...grant.writes);
    }
  }
  const credential = ids.secret(32);
  // The epoch goes on: whoever held the old credential has an older one.
  writes.push(
    putObject(nodeKind, node),
    putIdentity(name, { credentialSha256: sha256(credential), epoch: identity?.epoch ?? 0 }),
  );
  leases.expect(name);
  await store.commit({ checks, writes });
  log.info({ node: name, podCIDR: node.spec?.podCIDR }, found === undefined ? "node joined" : "node joined again");
  return { nodeName: name, credential };
}

function newNode(name: string, ids: Ids, clock: Clock): Node {
  const metadata = { ...emptyMetadata, name, uid: ids.uid(), generation: 1, creationTimestamp: timestamp(clock) };
  const node = nodeKind.withDefaults({ metadata });
  return { ...node, status: { capacity: {}, allocatable: {}, conditions: [], addresses: [] } };
}

function withLabels(node: Node, labels: Readonly<Record<string, string>>): Node {
  const metadata = metadataOf(node);
  const hostname = { "kubernetes.io/hostname": metadata.name ?? "" };
  return { ...node, metadata: { ...metadata, labels: { ...metadata.labels, ...labels, ...hostname } } };
}
