/* Delete begins an object's end; some objects it also ends. A pod that runs goes when its node says that it is gone, an object with
 * finalizers when the last of them is taken away, a namespace when its contents are gone (controllers/namespaces.ts). */

import type { Clock } from "#core/clock.ts";
import { formatTimestamp } from "#core/clock.ts";
import { invalid } from "#core/errors.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { namespaceKind } from "#core/objects/namespace.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { DeleteAnswer, DeleteRequest } from "#proto/podwire/v1/cluster.ts";
import type { Namespace, Pod } from "#proto/podwire/v1/resources.ts";
import { firstNamespaces } from "../cluster.ts";
import { findObject, metadataOf, putObject, retryConflicts, unchanged, withResourceVersion } from "../state/objects.ts";
import type { Store, Write } from "../store/store.ts";
import { type Propagation, parsePropagation, withPropagation } from "./propagation.ts";
import { forbidden, kindNamed, namespaceOf, notFound, stale } from "./refusals.ts";
import { removalOf } from "./removal.ts";

export interface Ending {
  /** As it is when its deletion has begun. */
  readonly object: ApiObject;
  readonly gone: boolean;
  /** None where the deletion had begun before and nothing changes. */
  readonly writes: readonly Write[];
}

export function deleteObject(store: Store, clock: Clock, request: DeleteRequest): Promise<DeleteAnswer> {
  const kind = kindNamed(request.kind);
  const { name, gracePeriodSeconds } = request;
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds < 0) {
    throw invalid(`grace period ${gracePeriodSeconds} must not be negative`, { field: "gracePeriodSeconds" });
  }
  const propagation = parsePropagation(request.propagationPolicy);
  return retryConflicts(async () => {
    const found = findObject(store, kind, { namespace: namespaceOf(kind, request.namespace), name });
    if (found === undefined) throw notFound(kind, name);
    if (kind.kind === namespaceKind.kind && (firstNamespaces as readonly string[]).includes(name)) {
      throw forbidden(kind, name, "this namespace may not be deleted");
    }
    const uid = metadataOf(found.object).uid;
    if (request.uid !== undefined && request.uid !== uid) {
      throw stale(kind, name, `Precondition failed: UID in precondition: ${request.uid}, UID in object meta: ${uid}`);
    }
    const ending = endingOf(kind, found.object, { store, nowMs: clock.wallMs(), gracePeriodSeconds, propagation });
    const { object, gone, writes } = ending;
    if (request.dryRun || writes.length === 0) return { object: kind.wrap(object), gone };
    const revision = await store.commit({ checks: [unchanged(found.entry)], writes });
    return { object: kind.wrap(withResourceVersion(object, revision)), gone };
  });
}

export interface EndingOptions {
  readonly store: Store;
  readonly nowMs: number;
  readonly gracePeriodSeconds: number | undefined;
  /** What becomes of the objects that it owns; its finalizers say so where it is absent. */
  readonly propagation?: Propagation | undefined;
}

/** How the deletion of an object begins. A second one may shorten the grace period, never lengthen it. */
export function endingOf(kind: Kind, object: ApiObject, options: EndingOptions): Ending {
  const { store, nowMs, gracePeriodSeconds, propagation } = options;
  const metadata = metadataOf(object);
  const finalizers = withPropagation(metadata.finalizers, propagation);
  const changed = !sameWords(finalizers, metadata.finalizers);
  const graceSeconds = kind.kind === podKind.kind ? podGrace(object as Pod, store, gracePeriodSeconds) : 0;
  const begun = metadata.deletionTimestamp !== undefined;
  if (begun && !changed && graceSeconds >= (metadata.deletionGracePeriodSeconds ?? 0) && removalOf(kind, object) === undefined) {
    return { object, gone: false, writes: [] };
  }
  const ended: ApiObject = withPhase(kind, {
    ...object,
    metadata: {
      ...metadata,
      finalizers: [...finalizers],
      deletionTimestamp: formatTimestamp(nowMs + graceSeconds * 1000),
      deletionGracePeriodSeconds: Math.min(graceSeconds, metadata.deletionGracePeriodSeconds ?? graceSeconds),
    },
  });
  const removal = removalOf(kind, ended);
  return { object: ended, gone: removal !== undefined, writes: removal ?? [putObject(kind, ended)] };
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word) => b.includes(word));
}

/** 0 where no node has to end it: unbound, bound to a node that isn't there, or ended already. */
function podGrace(pod: Pod, store: Store, gracePeriodSeconds: number | undefined): number {
  const node = pod.spec?.nodeName ?? "";
  const phase = pod.status?.phase;
  if (node === "" || phase === "Succeeded" || phase === "Failed") return 0;
  if (findObject(store, nodeKind, { name: node }) === undefined) return 0;
  return gracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
}

function withPhase(kind: Kind, object: ApiObject): ApiObject {
  if (kind.kind !== namespaceKind.kind) return object;
  const status = (object as Namespace).status;
  return { ...object, status: { conditions: [], ...status, phase: "Terminating" } } as ApiObject;
}
