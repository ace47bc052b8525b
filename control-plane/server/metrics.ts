/* What users ask of metrics: those of one pod or node, or of all that selectors choose, in Kubernetes' words where there are none. */

import { AppError } from "#core/errors.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { ClusterService, MetricsRequest } from "#proto/podwire/v1/cluster.ts";
import { LinkMetrics, NodeMetrics, PodMetrics } from "#proto/podwire/v1/metrics.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import type { Handlers } from "#rpc/server.ts";
import type { NewestMetrics } from "../metrics/newest.ts";
import { findObject, listObjects, nameOf } from "../state/objects.ts";
import type { Store } from "../store/store.ts";
import { inBatches, selectorOf } from "./read.ts";
import { namespaceOf, notFound } from "./refusals.ts";

export interface MetricsContext {
  readonly store: Store;
  readonly metrics: NewestMetrics;
}

export type MetricsHandlers = Pick<Handlers<typeof ClusterService>, "podMetrics" | "nodeMetrics" | "linkMetrics">;

export function metricsHandlers({ store, metrics }: MetricsContext): MetricsHandlers {
  const ofPod = ({ metadata, spec, status }: Pod): PodMetrics | undefined => {
    const measured = metrics.pod(spec?.nodeName ?? "", metadata?.uid ?? "");
    // The address of a pod in its node's own network is others', too.
    const address = spec?.hostNetwork === true ? "" : (status?.podIP ?? "");
    return measured === undefined || address === "" ? measured : { ...measured, ...metrics.rates(address) };
  };
  const ofNode = (node: Node) => metrics.node(nameOf(node));
  const linksOf = (node: Node) => metrics.links(nameOf(node));
  return {
    async *podMetrics(request) {
      const found = answer({ store, kind: podKind, plural: "podmetrics", of: ofPod }, request);
      for (const items of inBatches(found, (item) => PodMetrics.encode(item).finish().length)) yield { items };
    },
    async *nodeMetrics(request) {
      const found = answer({ store, kind: nodeKind, plural: "nodemetrics", of: ofNode }, request);
      for (const items of inBatches(found, (item) => NodeMetrics.encode(item).finish().length)) yield { items };
    },
    async *linkMetrics(request) {
      const found = answer({ store, kind: nodeKind, plural: "linkmetrics", of: linksOf }, request);
      for (const items of inBatches([...found].flat(), (item) => LinkMetrics.encode(item).finish().length)) yield { items };
    },
  };
}

interface Measured<T extends ApiObject, M> {
  readonly store: Store;
  readonly kind: Kind<T>;
  /** Of the metrics, as metrics-server calls them. */
  readonly plural: string;
  of(object: T): M | undefined;
}

function* answer<T extends ApiObject, M>({ store, kind, plural, of }: Measured<T, M>, request: MetricsRequest): Generator<M> {
  const { namespace, name } = request;
  if (name === "") {
    const selects = selectorOf(kind, request);
    for (const { object } of listObjects(store, kind, namespace)) {
      const metrics = selects(object) ? of(object) : undefined;
      if (metrics !== undefined) yield metrics;
    }
    return;
  }
  const where = namespaceOf(kind, namespace);
  const found = findObject(store, kind, { namespace: where, name });
  if (found === undefined) throw notFound(kind, name);
  const metrics = of(found.object);
  const path = where === undefined ? name : `${where}/${name}`;
  if (metrics === undefined)
    throw new AppError("not-found", `${plural}.metrics.k8s.io "${path}" not found`, { reason: "NotFound" });
  yield metrics;
}
