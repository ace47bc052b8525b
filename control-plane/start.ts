/* Puts the control plane together: what is stored, what decides, what listens. Tests start it in their own process, main.ts in one of
 * its own. Nothing here must be undone after a kill: a start reads the store and goes on. */

import { createAwakeTime } from "#core/awake-time.ts";
import { formatCidr } from "#core/cidr.ts";
import { type Clock, createScaledClock } from "#core/clock.ts";
import type { Rng } from "#core/rng.ts";
import type { Logger } from "#process/log.ts";
import { type MetricsAddress, serveMetrics } from "#process/prometheus.ts";
import { podwireVersion } from "#process/version.ts";
import { AgentService } from "#proto/podwire/v1/agent.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import { createRpcServer, type Handlers, type RpcServer } from "#rpc/server.ts";
import { horizontalAutoscaler } from "./autoscaling/horizontal/controller.ts";
import { nodeAutoscaler } from "./autoscaling/nodes/controller.ts";
import { verticalAutoscaling } from "./autoscaling/vertical/controller.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { firstServices } from "./controllers/first-services.ts";
import { namespaceController } from "./controllers/namespaces.ts";
import { nodeEvents } from "./controllers/node-events.ts";
import { nodeLifecycle } from "./controllers/node-lifecycle.ts";
import { podGc } from "./controllers/pod-gc.ts";
import { taintEviction } from "./controllers/taint-eviction.ts";
import { budgetController } from "./disruption/budget-controller.ts";
import { noEndpointEvents } from "./endpoints/no-endpoint-events.ts";
import { sliceController } from "./endpoints/slice-controller.ts";
import { eventExpiry } from "./events/expiry.ts";
import { createEventRecorder } from "./events/recorder.ts";
import { cryptoIds, type Ids } from "./ids.ts";
import { podCidrController } from "./ipam/pod-cidr-controller.ts";
import { controlPlaneFamilies } from "./metrics/families.ts";
import { createNewestMetrics } from "./metrics/newest.ts";
import { scheduler } from "./scheduler/run.ts";
import { agentHandlers } from "./server/agent-service.ts";
import { createAuthorize, type Tokens, type Transport } from "./server/authorize.ts";
import { clusterHandlers } from "./server/cluster-service.ts";
import { listenOnSocket } from "./server/unix-socket.ts";
import { createLeases } from "./sessions/leases.ts";
import { createPairKeys } from "./sessions/pair-key.ts";
import { createStateReader } from "./sessions/state.ts";
import { createSessionTable } from "./sessions/table.ts";
import { wakeSessions } from "./sessions/wake.ts";
import { runLoop } from "./state/follow.ts";
import type { Store } from "./store/store.ts";
import { createStreamBroker } from "./streams/broker.ts";
import { daemonSetWorkload } from "./workloads/daemon-set.ts";
import { deploymentController } from "./workloads/deployment-controller.ts";
import { garbageCollector } from "./workloads/garbage-collector.ts";
import { jobWorkload } from "./workloads/job.ts";
import { jobOrphans } from "./workloads/job-orphans.ts";
import { replicaSetController } from "./workloads/replica-set-controller.ts";
import { statefulSetWorkload } from "./workloads/stateful-set.ts";
import { workloadController } from "./workloads/workload-controller.ts";

export interface ControlPlaneOptions extends Cluster {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Where it is absent, random. */
  readonly ids?: Ids;
  /** The path of a Unix socket for users. */
  readonly socket?: string | undefined;
  /** `HOST:PORT` for agents, and for users with a token; port 0 takes a free one. */
  readonly listen?: string | undefined;
  /** `HOST:PORT` under which pods find it; `listen` where it is absent. */
  readonly advertise?: string | undefined;
  readonly tokens: Tokens;
  /** A node that was silent for so long is NotReady. */
  readonly heartbeatTimeoutMs: number;
  /** Controllers' timers run so many times as fast. */
  readonly timeScale: number;
  /** Where Prometheus finds /metrics. */
  readonly metrics?: MetricsAddress | undefined;
  readonly signal: AbortSignal;
}

export interface ControlPlane extends AsyncDisposable {
  /** `HOST:PORT` with the real port, where it listens on one. */
  readonly address: string | undefined;
  readonly socket: string | undefined;
  /** What its servers answer with, for callers in the same process. They authorize nobody. */
  readonly handlers: { readonly users: Handlers<typeof ClusterService>; readonly agents: Handlers<typeof AgentService> };
  /** Resolves when the signal has aborted and all has ended; rejects where the store stopped. */
  readonly ended: Promise<void>;
}

/** How often nodes measure: autoscalers, whose timers are scaled too, look every 15 s. */
const metricsIntervalSeconds = 5;
const metricsIntervalMsMin = 500;

/** Resolves when it serves. Throws "invalid" where the options or the stored cluster forbid it. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { store, rng, log, ids = cryptoIds, tokens, timeScale } = options;
  const clock = createScaledClock(options.clock, timeScale);
  const cluster = await openCluster(store, options, { ids, clock });
  const awake = createAwakeTime(clock);
  const leases = createLeases(awake, options.heartbeatTimeoutMs);
  const sessions = createSessionTable(leases, clock);
  const streams = createStreamBroker({ ids, clock });
  const metrics = createNewestMetrics(clock);
  const events = createEventRecorder({ store, clock, ids, log });
  const agents = agentHandlers({
    ...{ store, clock, ids, log, leases, sessions, streams, metrics, events, range: cluster },
    readState: createStateReader(store),
    keyFor: createPairKeys(cluster.secret),
    welcome: {
      cluster: cluster.name,
      podCIDR: formatCidr(cluster.podCidr),
      serviceCIDR: formatCidr(cluster.serviceCidr),
      loadBalancerCIDR: formatCidr(cluster.balancerCidr),
      metricsIntervalMs: Math.round(Math.max(metricsIntervalMsMin, clock.timerMs(metricsIntervalSeconds))),
    },
  });
  const users = clusterHandlers({
    store,
    clock,
    ids,
    rng,
    cluster,
    version: podwireVersion(),
    timeScale,
    sessions,
    streams,
    metrics,
  });
  const serve = (transport: Transport): RpcServer => {
    const server = createRpcServer({
      authorize: createAuthorize({ transport, store, tokens }),
      onUnexpectedError: (error, path) => log.error({ err: error, path }, "a call failed unexpectedly"),
    });
    server.add(ClusterService, users);
    server.add(AgentService, agents);
    return server;
  };

  // Whoever finds the cluster finds them in it.
  const first = firstServices({ store, clock, rng, ids, ranges: cluster, endpoint: () => options.advertise ?? options.listen });
  await first.run(options.signal);

  await using opened = new AsyncDisposableStack();
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  const surroundings = { store, clock, rng, log, events };
  const running = Promise.all([
    wakeSessions({ store, sessions, clock: options.clock }, signal),
    runLoop(surroundings, first, signal),
    runLoop(surroundings, sliceController(surroundings, ids), signal),
    runLoop(surroundings, noEndpointEvents(surroundings), signal),
    runLoop(surroundings, podCidrController(surroundings, cluster), signal),
    runLoop(surroundings, scheduler(surroundings), signal),
    runLoop(surroundings, nodeLifecycle(surroundings, { leases, range: cluster }), signal),
    runLoop(surroundings, taintEviction(surroundings, leases), signal),
    runLoop(surroundings, workloadController(statefulSetWorkload, surroundings, ids), signal),
    runLoop(surroundings, workloadController(daemonSetWorkload, surroundings, ids), signal),
    runLoop(surroundings, workloadController(jobWorkload, surroundings, ids), signal),
    runLoop(surroundings, jobOrphans(surroundings), signal),
    runLoop(surroundings, budgetController(surroundings), signal),
    runLoop(surroundings, verticalAutoscaling({ ...surroundings, metrics }), signal),
    runLoop(surroundings, podGc(surroundings), signal),
    runLoop(surroundings, garbageCollector(surroundings), signal),
    runLoop(surroundings, replicaSetController(surroundings, ids), signal),
    runLoop(surroundings, deploymentController(surroundings, ids), signal),
    runLoop(surroundings, horizontalAutoscaler({ ...surroundings, metrics }), signal),
    runLoop(surroundings, nodeAutoscaler(surroundings), signal),
    runLoop(surroundings, namespaceController(surroundings), signal),
    runLoop(surroundings, nodeEvents(surroundings), signal),
    runLoop(surroundings, eventExpiry(surroundings), signal),
    events.run(signal),
    awake.run(signal),
  ]);
  opened.defer(async () => {
    stopping.abort();
    await running.catch(() => {});
  });

  if (options.metrics !== undefined) {
    const read = () => controlPlaneFamilies({ store, sessions, metrics, events });
    opened.use(await serveMetrics({ listen: options.metrics, read, log }));
  }
  let address: string | undefined;
  if (options.listen !== undefined) {
    const port = await opened.use(serve("tcp")).listen(options.listen);
    address = options.listen.replace(/:[0-9]+$/, `:${port}`);
  }
  if (options.socket !== undefined) await listenOnSocket(opened.use(serve("socket")), options.socket);
  log.info({ cluster: cluster.name, address, socket: options.socket, timeScale }, "control plane ready");

  const everything = opened.move();
  const ended = running.then(() => everything.disposeAsync());
  // Whoever only disposes of it does not wait for this one.
  ended.catch(() => {});
  return {
    address,
    socket: options.socket,
    handlers: { users, agents },
    ended,
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}
