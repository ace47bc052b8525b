/* What users call. Each method is a few lines here; the rules are in the files that it names. */

import { formatCidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import { AppError, invalid } from "#core/errors.ts";
import type { ClusterService, ExecRequest } from "#proto/podwire/v1/cluster.ts";
import type { ExecStart, StreamInput } from "#proto/podwire/v1/streams.ts";
import type { Handlers } from "#rpc/server.ts";
import type { Cluster } from "../cluster.ts";
import type { Ids } from "../ids.ts";
import type { SessionTable } from "../sessions/table.ts";
import type { Store } from "../store/store.ts";
import type { StreamBroker } from "../streams/broker.ts";
import { planApply } from "./apply.ts";
import { planCreate } from "./create.ts";
import { deleteObject } from "./delete.ts";
import { patchObject } from "./patch.ts";
import { getObject, listBatches } from "./read.ts";
import { execTarget, logsTarget } from "./stream-target.ts";
import { planUpdate } from "./update.ts";
import { watchObjects } from "./watch.ts";
import { writeDocuments } from "./write.ts";

export interface ClusterServiceContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly cluster: Cluster;
  readonly version: string;
  readonly sessions: SessionTable;
  readonly streams: StreamBroker;
}

export function clusterHandlers(context: ClusterServiceContext): Handlers<typeof ClusterService> {
  const { store, clock, cluster, version, streams } = context;
  return {
    info: async () => ({
      cluster: cluster.name,
      version,
      podCIDR: formatCidr(cluster.podCidr),
      serviceCIDR: formatCidr(cluster.serviceCidr),
    }),
    get: async (request) => getObject(store, request),
    async *list(request) {
      yield* listBatches(store, request);
    },
    watch: (request, { signal }) => watchObjects(store, request, signal),
    create: (request) => writeDocuments(store, request, planCreate(context)),
    update: (request) => writeDocuments(store, request, planUpdate),
    apply: (request) => writeDocuments(store, request, planApply(context)),
    patch: (request) => patchObject(store, request),
    attach: () => notYet("attach"),
    portForward: () => notYet("port-forward"),
    delete: (request) => deleteObject(store, clock, request),
    async *exec(requests, { signal }) {
      const iterator = requests[Symbol.asyncIterator]();
      const start = await readStart(iterator);
      if (start === undefined) return;
      if (start.command.length === 0) throw invalid("you must specify at least one command for the container");
      const { session, namespace, container } = execTarget(start, context);
      const value: ExecStart = { ...start, namespace, container };
      yield* streams.open({ session, start: { $case: "exec", value }, inputs: inputsOf(iterator), signal });
    },
    async *logs(request, { signal }) {
      const { session, namespace, container } = logsTarget(request, context);
      const value = { ...request, namespace, container };
      yield* streams.open({ session, start: { $case: "logs", value }, inputs: noInput(), signal });
    },
  };
}

function notYet(what: string): never {
  throw new AppError("unimplemented", `${what} comes in a later version`);
}

async function readStart(requests: AsyncIterator<ExecRequest>): Promise<ExecStart | undefined> {
  const first = await requests.next();
  if (first.done) return undefined;
  if (first.value.message?.$case !== "start") throw invalid("the first message of an exec must be its start");
  return first.value.message.value;
}

async function* inputsOf(requests: AsyncIterator<ExecRequest>): AsyncGenerator<StreamInput, void, undefined> {
  for (;;) {
    const next = await requests.next();
    if (next.done) return;
    if (next.value.message?.$case === "start") throw new AppError("invalid", "only the first message of an exec is its start");
    if (next.value.message !== undefined) yield next.value.message.value;
  }
}

async function* noInput(): AsyncGenerator<StreamInput, void, undefined> {}
