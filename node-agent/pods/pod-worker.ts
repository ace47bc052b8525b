/* One pod from its first appearance to its last trace:
 *
 *   setting up ─ network and volumes stand ─▶ running ─ every container ended for good ─▶ ended ─ asked to end ─▶ gone
 *        │  ▲ back-off                           │                                          ▲
 *        └──┘                                    └── asked to end: preStop, TERM, KILL ─────┘
 *
 * A pod that ended gives its network, its address and its volumes back and keeps its logs. */

import { aborted } from "#core/aborted.ts";
import type { Clock } from "#core/clock.ts";
import { messageOf } from "#core/errors.ts";
import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import type { Containers } from "#kernel/containers.ts";
import type { Logger } from "#process/log.ts";
import type { PodEvent } from "#proto/podwire/v1/agent.ts";
import type { Pod, PodStatus } from "#proto/podwire/v1/resources.ts";
import type { NetworkKeeper } from "../reconcile/network-keeper.ts";
import type { AddressPool } from "./address-pool.ts";
import type { ConfigSources } from "./config-sources.ts";
import { containerFolder } from "./container-folders.ts";
import { containersOf, hasEnded, type PodContainer } from "./container-role.ts";
import { finishedCode, runContainer } from "./container-runner.ts";
import { containerSpecOf } from "./container-spec.ts";
import { hostPortsOf } from "./host-ports.ts";
import { followPod } from "./pod-changes.ts";
import { type RunningContainer, runInOrder } from "./pod-containers.ts";
import { eventsOf, withoutHaste } from "./pod-events.ts";
import { createPodNetwork } from "./pod-network.ts";
import { type ObservedContainer, type Phase, podStatusOf } from "./pod-status.ts";
import type { PodRecord, PodRecords } from "./records.ts";
import { type ResolvConfInput, resolvConfOf } from "./resolv-conf.ts";
import { type RestartPolicy, shouldRestart } from "./restart.ts";
import { causeOf } from "./start-failure.ts";
import { createTermination, type Termination } from "./termination.ts";
import { terminationLogMounts } from "./termination-message.ts";
import { prepareVolumes, removeVolumes } from "./volumes.ts";

export interface PodWorker {
  readonly pod: Pod;
  readonly status: PodStatus;
  readonly address: Ipv4 | undefined;
  /** The pod as it is now, and the objects that it may name. */
  update(pod: Pod, sources: ConfigSources): void;
  /** Asks the pod to end; a shorter time than before wins. */
  end(graceMs: number): void;
  /** Ends the containers as `end` does, and keeps what the pod has: it runs again under the next agent. Resolves when nothing runs. */
  rest(graceMs: number): Promise<void>;
  /** Resolves when nothing of the pod is left. */
  readonly gone: Promise<void>;
}

export interface PodContext {
  readonly nodeName: string;
  readonly nodeAddress: Ipv4;
  /** A folder of this host that no pod may see. */
  readonly hiddenFolder: string;
  /** Who knows names, for the pods' resolv.conf. */
  readonly resolvers: () => Omit<ResolvConfInput, "pod">;
  readonly keeper: NetworkKeeper;
  readonly containers: Containers;
  readonly records: PodRecords;
  readonly addresses: AddressPool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onEvent: (event: PodEvent) => void;
  /** The agent stops; pods run on. */
  readonly signal: AbortSignal;
}

export interface PodStart {
  readonly pod: Pod;
  readonly sources: ConfigSources;
  /** What an earlier agent kept of it. */
  readonly adopted: PodRecord | undefined;
  readonly onChange: () => void;
}

const retryMs = 1_000;

export function startPod({ adopted, onChange, ...start }: PodStart, context: PodContext): PodWorker {
  const { nodeName, nodeAddress, hiddenFolder, resolvers, keeper, containers, records, addresses, clock, onEvent, signal } =
    context;
  const { pod } = start;
  const now = followPod(pod, start.sources);
  const { uid = "", namespace = "", name = "" } = pod.metadata ?? {};
  const log = context.log.child({ pod: `${namespace}/${name}`, uid });
  const podFolder = records.folder(uid);
  const all = containersOf(pod);
  const preparing = all.some(({ role }) => role !== "main") ? "PodInitializing" : "ContainerCreating";
  const hostNetwork = pod.spec?.hostNetwork === true;
  const startedAtMs = pod.status?.startTime === undefined ? clock.wallMs() : Date.parse(pod.status.startTime);
  const network = createPodNetwork({
    ...{ pod: { uid, namespace, name }, hostNetwork, hostPorts: hostPortsOf(pod), adopted, nodeName, keeper, records, addresses },
  });
  const termination = createTermination(clock, signal);
  const abandoned = AbortSignal.any([signal, termination.asked]);
  const emit = withoutHaste(eventsOf(pod, "", onEvent), clock);

  /** What the status says, which follows when there is news. */
  let address = hostNetwork ? nodeAddress : network.address;
  let problem: { reason: string; message: string } | undefined;
  const observed = new Map<string, ObservedContainer>(
    all.map(({ role, container: { name = "" } }) => [
      name,
      { name, role, now: { phase: "waiting", reason: preparing }, restarts: 0, last: undefined },
    ]),
  );
  const changed = (change: () => void) => {
    change();
    onChange();
  };
  let volumesStand = false;
  let resting = false;
  let ended = false;
  const still = Promise.withResolvers<void>();

  const graceMs = () => (now.pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
  const folderOf = ({ container }: PodContainer) => containerFolder(podFolder, container.name ?? "");

  /** Again and again until it is done, or the pod is asked to end. */
  const setUp = async (reason: string, action: () => Promise<void>): Promise<void> => {
    while (!abandoned.aborted) {
      const helps = AbortSignal.any([abandoned, now.configChanged()]);
      try {
        await action();
        if (problem === undefined) return;
        return changed(() => {
          problem = undefined;
        });
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error }, "the pod could not be set up; trying again");
        emit("Warning", reason, reason === "FailedMount" ? messageOf(error) : `Failed to create pod sandbox: ${causeOf(error)}`);
        changed(() => {
          problem = { reason, message: causeOf(error) };
        });
        await clock.sleep(retryMs, helps).catch(() => {});
      }
    }
    signal.throwIfAborted();
  };

  const setUpNetwork = async () => {
    await network.setUp();
    changed(() => {
      address = hostNetwork ? nodeAddress : network.address;
    });
  };

  const setUpVolumes = async () => {
    prepareVolumes({ pod: now.pod, sources: now.sources, podFolder });
    volumesStand = true;
  };

  /** Containers that run have what they had: nothing that is missing now may keep the agent from looking after them. */
  const refreshVolumes = () => {
    try {
      prepareVolumes({ pod: now.pod, sources: now.sources, podFolder });
    } catch (error) {
      log.warn({ err: error }, "the pod's volumes could not be brought up to date");
      emit("Warning", "FailedMount", messageOf(error));
    }
    volumesStand = true;
  };

  const resolvConf = (): string => {
    const { text, warnings } = resolvConfOf({ pod: now.pod, ...resolvers() });
    for (const warning of warnings) emit("Warning", "DNSConfigForming", warning);
    return text;
  };

  const runOne = (
    one: PodContainer,
    end: { readonly termination: Termination; readonly turn: Promise<void> },
  ): RunningContainer => {
    const { role, restartPolicy, fieldPath } = one;
    const current = () => now.container(one.container.name) ?? one.container;
    const started = Promise.withResolvers<void>();
    const runner = {
      get container() {
        return current();
      },
      ...{ restartPolicy, preparing, graceMs, containers, clock, log, signal },
      ...end,
      podName: `${name}_${namespace}(${uid})`,
      folder: folderOf(one),
      spec: (stateDir: string) =>
        containerSpecOf({
          ...{ pod: now.pod, container: current(), sources: now.sources, nodeName, nodeAddress, podFolder, hiddenFolder },
          address: address ?? nodeAddress,
          netns: network.netns,
          resolvConf: resolvConf(),
          mounts: terminationLogMounts(one.container, stateDir),
        }),
      host: () => formatIpv4(address ?? nodeAddress),
      configChanged: now.configChanged,
      // An init container runs to its end whatever it is by now.
      redefined: (image: string | undefined) => (role === "init" ? signal : now.redefined(one.container.name, image)),
      emit: eventsOf(pod, fieldPath, onEvent),
      onChange(next: Omit<ObservedContainer, "role">) {
        changed(() => observed.set(next.name, { ...next, role, now: resting ? untilLater(next.now, restartPolicy) : next.now }));
        if (next.now.phase === "running" && next.now.started) started.resolve();
      },
    };
    const ended = patiently("a container could not be followed", async () => (await runContainer(runner)).exitCode);
    return { started: started.promise, ended };
  };

  const live = async (): Promise<void> => {
    const { over, begun } = await patiently("the pod's containers could not be found", async () => ({
      over: hasEnded(all, (one) => finishedCode(containers, folderOf(one), one.restartPolicy)),
      begun: all.map((one) => folderOf(one).newest() !== undefined),
    }));
    if (!over) {
      await setUp("FailedCreatePodSandBox", setUpNetwork);
      if (begun.includes(true)) refreshVolumes();
      else await setUp("FailedMount", setUpVolumes);
    }
    // Asked to end before all stood: what an earlier agent started must end all the same, and the rest begins no more.
    const ordered = all.map((one, i) => ({
      role: one.role,
      begun: begun[i] === true,
      run: (end: { readonly termination: Termination; readonly turn: Promise<void> }) => runOne(one, end),
    }));
    await runInOrder({ containers: ordered, termination, over, graceMs, clock, signal });
    ended = true;
    still.resolve();
    if (resting) await aborted(signal);
    signal.throwIfAborted();
    volumesStand = false;
    await patiently("the pod's network could not be removed", network.giveBack);
    await patiently("the pod's volumes could not be removed", async () => removeVolumes(podFolder));
    await aborted(abandoned);
    signal.throwIfAborted();
    records.remove(uid);
    log.info("pod is gone");
  };

  const patiently = async <T>(failure: string, action: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error }, `${failure}; trying again`);
        await clock.sleep(retryMs, signal);
      }
    }
  };

  const gone = live();
  // Whoever waits for it gets the error; nobody may, when the agent stops.
  gone.catch(() => {});

  return {
    get pod() {
      return now.pod;
    },
    get status() {
      const own = { pod: now.pod, nodeAddress, address, startedAtMs, containers: [...observed.values()] };
      return podStatusOf({ ...own, ...(problem === undefined ? {} : { problem }) });
    },
    get address() {
      return network.address;
    },
    update(nextPod, nextSources) {
      if (now.update(nextPod, nextSources) && volumesStand) refreshVolumes();
    },
    end: termination.end,
    rest(withinMs) {
      // One whose containers have ended for good is at rest, and gone only when somebody asks for that.
      if (!ended) {
        resting = true;
        termination.end(Math.min(graceMs(), withinMs));
      }
      return still.promise;
    },
    gone,
  };
}

/** What ends with its node has not ended for good where the next agent runs it again. */
function untilLater(now: Phase, policy: RestartPolicy): Phase {
  return now.phase === "ended" && now.final ? { ...now, final: !shouldRestart(policy, now.exitCode) } : now;
}
