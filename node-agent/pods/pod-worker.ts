/* One pod from its first appearance to its last trace:
 *
 *   setting up ─ network stands ─▶ running ─ every container ended for good ─▶ ended ─ asked to end ─▶ gone
 *        │  ▲ back-off                │                                          ▲
 *        └──┘                         └── asked to end: TERM, then KILL ─────────┘
 *
 * (1) The record is on disk before anything of the pod is made, and goes after everything of it is gone.
 * (2) A pod that ended gives its network and address back and keeps its logs; it never gets a network again. */

import { aborted } from "#core/aborted.ts";
import type { Clock } from "#core/clock.ts";
import { messageOf } from "#core/errors.ts";
import type { Ipv4 } from "#core/ipv4.ts";
import type { Containers } from "#kernel/containers.ts";
import type { Logger } from "#process/log.ts";
import type { Container, Pod, PodStatus } from "#proto/podwire/v1/resources.ts";
import type { NetworkKeeper } from "../reconcile/network-keeper.ts";
import type { AddressPool } from "./address-pool.ts";
import { containerFolder } from "./container-folders.ts";
import { isFinished, runContainer } from "./container-runner.ts";
import { programOf } from "./images.ts";
import { environmentOf, hostnameOf, hostsFile, resolvConfFile } from "./pod-files.ts";
import { type ObservedContainer, podStatusOf } from "./pod-status.ts";
import { linkOf, type PodRecord, type PodRecords } from "./records.ts";
import type { RestartPolicy } from "./restart.ts";

export interface PodWorker {
  readonly pod: Pod;
  readonly status: PodStatus;
  readonly address: Ipv4 | undefined;
  /** Asks the pod to end; a shorter time than before wins. */
  end(graceMs: number): void;
  /** Resolves when nothing of the pod is left. */
  readonly gone: Promise<void>;
}

export interface PodContext {
  readonly nodeName: string;
  readonly nodeAddress: Ipv4;
  /** A folder of this host that no pod may see. */
  readonly hiddenFolder: string;
  readonly keeper: NetworkKeeper;
  readonly containers: Containers;
  readonly records: PodRecords;
  readonly addresses: AddressPool;
  readonly clock: Clock;
  readonly log: Logger;
  /** The agent stops; pods run on. */
  readonly signal: AbortSignal;
}

const retryMs = 1_000;

export function startPod(pod: Pod, adopted: PodRecord | undefined, context: PodContext, onChange: () => void): PodWorker {
  const { nodeName, nodeAddress, keeper, containers, records, addresses, clock, signal } = context;
  const { uid = "", namespace = "", name = "" } = pod.metadata ?? {};
  const log = context.log.child({ pod: `${namespace}/${name}`, uid });
  const specs = pod.spec?.containers ?? [];
  const hostNetwork = pod.spec?.hostNetwork === true;
  const restartPolicy = (pod.spec?.restartPolicy ?? "Always") as RestartPolicy;
  const startedAtMs = pod.status?.startTime === undefined ? clock.wallMs() : Date.parse(pod.status.startTime);

  const terminate = new AbortController();
  const kill = new AbortController();
  const abandoned = AbortSignal.any([signal, terminate.signal]);
  let killAtMs = Number.POSITIVE_INFINITY;

  let record = adopted;
  let address = hostNetwork ? nodeAddress : record?.address;
  let problem: { reason: string; message: string } | undefined;
  const observed = new Map<string, ObservedContainer>(
    specs.map(({ name = "" }) => [
      name,
      { name, now: { phase: "waiting", reason: "ContainerCreating" }, restarts: 0, last: undefined },
    ]),
  );
  const changed = (change: () => void) => {
    change();
    onChange();
  };

  const setUp = async (): Promise<void> => {
    if (hostNetwork) {
      record = keep({ uid, namespace, name, networkReady: true });
      return;
    }
    // Where it stands, containers may run in it already: whatever happens from here on, it is not to be made anew.
    const stands = record?.address !== undefined && record.networkReady;
    const halfMade = stands ? undefined : record?.address;
    if (halfMade !== undefined) await keeper.removePod(linkOf(nodeName, { uid, address: halfMade }));
    const own = record?.address ?? addresses.take(uid);
    if (!stands) record = keep({ uid, namespace, name, address: own, networkReady: false });
    await keeper.addPod(linkOf(nodeName, { uid, address: own }));
    record = keep({ uid, namespace, name, address: own, networkReady: true });
    changed(() => {
      address = own;
      problem = undefined;
    });
  };

  const keep = (next: PodRecord): PodRecord => {
    records.save(next);
    return next;
  };

  const setUpPatiently = async (): Promise<boolean> => {
    while (!abandoned.aborted) {
      try {
        await setUp();
        return true;
      } catch (error) {
        if (signal.aborted) throw error;
        log.warn({ err: error }, "the pod's network could not be set up; trying again");
        changed(() => {
          problem = { reason: "FailedCreatePodSandBox", message: messageOf(error) };
        });
        await clock.sleep(retryMs, abandoned).catch(() => {});
      }
    }
    signal.throwIfAborted();
    return false;
  };

  const runOne = (container: Container): Promise<void> => {
    const containerName = container.name ?? "";
    const hostname = hostnameOf(pod, nodeName);
    return runContainer({
      name: containerName,
      program: programOf(container),
      restartPolicy,
      folder: containerFolder(records.folder(uid), containerName),
      containers,
      clock,
      spec: (argv) => ({
        ...(record?.address === undefined ? {} : { netns: linkOf(nodeName, { uid, address: record.address }).netns }),
        hidden: context.hiddenFolder,
        hostname,
        hosts: hostsFile(pod, hostname, address ?? nodeAddress),
        resolvConf: resolvConfFile(pod),
        command: {
          argv,
          env: environmentOf(container, hostname),
          ...(container.workingDir === undefined ? {} : { workingDir: container.workingDir }),
        },
      }),
      onChange: (next) => changed(() => observed.set(containerName, next)),
      signal,
      terminate: terminate.signal,
      kill: kill.signal,
    });
  };

  /** What can't be started, for want of memory or descriptors, is tried again. */
  const runPatiently = async (container: Container): Promise<void> => {
    const { name = "" } = container;
    for (;;) {
      try {
        return await runOne(container);
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error, container: name }, "a container could not be run; trying again");
        const now = { phase: "waiting", reason: "RunContainerError", message: messageOf(error) } as const;
        changed(() => observed.set(name, { restarts: 0, last: undefined, ...observed.get(name), name, now }));
        await clock.sleep(retryMs, signal);
      }
    }
  };

  const giveNetworkBack = async (): Promise<void> => {
    if (record?.address === undefined) return;
    const own = record.address;
    await keeper.removePod(linkOf(nodeName, { uid, address: own }));
    addresses.release(uid);
    const { address: _, ...rest } = record;
    record = keep({ ...rest, networkReady: false });
  };

  const live = async (): Promise<void> => {
    const { finished, begun } = await patiently("the pod's containers could not be found", async () => {
      const folders = specs.map(({ name = "" }) => containerFolder(records.folder(uid), name));
      return {
        finished: folders.every((folder) => isFinished(containers, folder, restartPolicy)),
        begun: specs.filter((_, i) => folders[i]?.newest() !== undefined),
      };
    });
    const stands = finished || (await setUpPatiently());
    // Asked to end before its network stood anew: what an earlier agent started in it must end all the same.
    await Promise.all((stands ? specs : begun).map(runPatiently));
    await patiently("the pod's network could not be removed", giveNetworkBack);
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

  const scheduleKill = async (graceMs: number): Promise<void> => {
    const dueMs = clock.monotonicMs() + graceMs;
    if (dueMs >= killAtMs) return;
    killAtMs = dueMs;
    if (graceMs > 0) await clock.sleep(graceMs, AbortSignal.any([signal, kill.signal])).catch(() => {});
    if (!signal.aborted) kill.abort();
  };

  const gone = live();
  // Whoever waits for it gets the error; nobody may, when the agent stops.
  gone.catch(() => {});

  return {
    pod,
    get status() {
      return podStatusOf({
        pod,
        nodeAddress,
        address,
        startedAtMs,
        containers: [...observed.values()],
        ...(problem === undefined ? {} : { problem }),
      });
    },
    get address() {
      return record?.address;
    },
    end(graceMs) {
      terminate.abort();
      void scheduleKill(graceMs);
    },
    gone,
  };
}
