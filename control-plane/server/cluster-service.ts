/* What users call. Each method is a few lines here; the rules are in the files that it names. */

import { formatCidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import type { Rng } from "#core/rng.ts";
import type { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { Handlers } from "#rpc/server.ts";
import type { Cluster } from "../cluster.ts";
import type { Ids } from "../ids.ts";
import type { NewestMetrics } from "../metrics/newest.ts";
import type { SessionTable } from "../sessions/table.ts";
import type { Store } from "../store/store.ts";
import type { StreamBroker } from "../streams/broker.ts";
import { planApply } from "./apply.ts";
import { planCreate } from "./create.ts";
import { deleteObject } from "./delete.ts";
import { evictPod } from "./evict.ts";
import { metricsHandlers } from "./metrics.ts";
import { patchObject } from "./patch.ts";
import { getObject, listBatches } from "./read.ts";
import { streamHandlers } from "./streams.ts";
import { planUpdate } from "./update.ts";
import { watchObjects } from "./watch.ts";
import { type ClaimSource, writeDocuments } from "./write.ts";

export interface ClusterServiceContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly cluster: Cluster;
  readonly version: string;
  readonly timeScale: number;
  readonly sessions: SessionTable;
  readonly streams: StreamBroker;
  readonly rng: Rng;
  readonly metrics: NewestMetrics;
}

export function clusterHandlers(context: ClusterServiceContext): Handlers<typeof ClusterService> {
  const { store, clock, cluster, version, timeScale, rng } = context;
  const source: ClaimSource = { store, ranges: cluster, rng };
  return {
    info: async () => ({
      cluster: cluster.name,
      version,
      timeScale,
      podCIDR: formatCidr(cluster.podCidr),
      serviceCIDR: formatCidr(cluster.serviceCidr),
    }),
    get: async (request) => getObject(store, request),
    async *list(request) {
      yield* listBatches(store, request);
    },
    watch: (request, { signal }) => watchObjects(store, request, signal),
    create: (request) => writeDocuments(source, request, planCreate(context)),
    update: (request) => writeDocuments(source, request, planUpdate),
    apply: (request) => writeDocuments(source, request, planApply(context)),
    patch: (request) => patchObject({ ...source, clock }, request),
    delete: (request) => deleteObject(store, clock, request),
    evict: (request) => evictPod(store, clock, request),
    ...streamHandlers(context),
    ...metricsHandlers(context),
  };
}
