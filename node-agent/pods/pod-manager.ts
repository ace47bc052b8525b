/* The pods of this node: starts what the control plane wants here, ends what it doesn't, and tells how each is. */

import { AppError } from "#core/errors.ts";
import type { Containers } from "#kernel/containers.ts";
import { podNetnsPrefix } from "#kernel/network.ts";
import type { PodReport } from "#proto/podwire/v1/agent.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type ConfigSources, noConfig } from "./config-sources.ts";
import { containerFolder, containerNames } from "./container-folders.ts";
import { type FoundContainer, foundContainer } from "./found-container.ts";
import { type PodContext, type PodWorker, startPod } from "./pod-worker.ts";
import { linkOf, type PodRecord } from "./records.ts";
import { removeVolumes } from "./volumes.ts";

export interface PodManager {
  /** Every pod that should be here, by uid, and the objects that they may name. */
  set(pods: ReadonlyMap<string, Pod>, sources: ConfigSources): void;
  /** How every pod is, for a new session. */
  reports(): PodReport[];
  readonly heldUids: readonly string[];
  /** Those that are looked after. */
  readonly held: readonly HeldPod[];
  find(namespace: string, name: string, container: string): FoundContainer;
  /** Ends what runs, for the node stops; the next agent runs it again. Resolves when nothing runs. */
  rest(graceMs: number): Promise<void>;
}

export interface HeldPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Where it keeps what it has on disk. */
  readonly folder: string;
  /** The host's end of its network; absent for a pod without one of its own. */
  readonly device: string | undefined;
}

export interface ManagerOptions extends PodContext {
  readonly adopted: readonly PodRecord[];
  readonly onReport: (report: PodReport) => void;
}

const retryMs = 1_000;

export function createPodManager(options: ManagerOptions): PodManager {
  const { adopted, onReport, signal, log, records, addresses, nodeName } = options;
  const workers = new Map<string, PodWorker>();
  const leftovers = new Map(adopted.map((record) => [record.uid, record]));
  let wanted: ReadonlyMap<string, Pod> = new Map();
  let sources = noConfig;
  let resting = false;

  const start = (uid: string, pod: Pod) => {
    const record = leftovers.get(uid);
    leftovers.delete(uid);
    if (record === undefined && pod.metadata?.deletionTimestamp !== undefined) return onReport(goneReport(uid, pod));
    const onChange = () => {
      const own = workers.get(uid);
      if (own !== undefined) onReport(reportOf(uid, own));
    };
    const worker: PodWorker = startPod({ pod, sources, adopted: record, onChange }, options);
    workers.set(uid, worker);
    worker.gone.then(
      () => forget(uid),
      (error) => {
        if (!signal.aborted) log.error({ err: error, uid }, "a pod's worker failed");
      },
    );
    onReport(reportOf(uid, worker));
  };

  /** A pod that is wanted still lost its address's block: it begins anew under another address. */
  const forget = (uid: string) => {
    workers.delete(uid);
    const pod = wanted.get(uid);
    if (pod === undefined) return;
    if (pod.metadata?.deletionTimestamp === undefined) start(uid, pod);
    else onReport(goneReport(uid, pod));
  };

  const adjust = (uid: string, worker: PodWorker) => {
    const pod = wanted.get(uid);
    if (pod !== undefined) worker.update(pod, sources);
    const strayed = worker.address !== undefined && !addresses.owns(worker.address);
    if (pod === undefined || strayed) worker.end(0);
    else if (pod.metadata?.deletionTimestamp !== undefined) worker.end((pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000);
  };

  return {
    set(pods, nextSources) {
      if (resting) return;
      wanted = pods;
      if (!sameSources(sources, nextSources)) sources = nextSources;
      for (const [uid, pod] of pods) if (!workers.has(uid)) start(uid, pod);
      for (const [uid, worker] of workers) adjust(uid, worker);
      for (const record of leftovers.values()) {
        leftovers.delete(record.uid);
        void removeLeftover(record, options);
      }
    },
    reports: () => [...workers].map(([uid, worker]) => reportOf(uid, worker)),
    get heldUids() {
      return [...workers.keys(), ...leftovers.keys()];
    },
    get held() {
      return [...workers].map(([uid, { pod, address }]) => ({
        namespace: pod.metadata?.namespace ?? "",
        name: pod.metadata?.name ?? "",
        uid,
        folder: records.folder(uid),
        device: address === undefined ? undefined : linkOf(nodeName, { uid, address }).device,
      }));
    },
    async rest(graceMs) {
      resting = true;
      await Promise.all([...workers.values()].map((worker) => worker.rest(graceMs)));
    },
    find(namespace, name, container) {
      for (const [uid, { pod }] of workers) {
        if (pod.metadata?.namespace !== namespace || pod.metadata.name !== name) continue;
        const netns = pod.spec?.hostNetwork === true ? undefined : `${podNetnsPrefix(nodeName)}${uid}`;
        return foundContainer({ pod, name: container, podFolder: records.folder(uid), netns });
      }
      throw new AppError("not-found", `pods "${name}" not found on ${nodeName}`, { reason: "NotFound" });
    },
  };
}

/** What an earlier agent left of a pod that nobody wants any more. Tried until it is done. */
async function removeLeftover(record: PodRecord, options: ManagerOptions): Promise<void> {
  const { uid } = record;
  const { clock, log, signal } = options;
  while (!signal.aborted) {
    try {
      await removeOnce(record, options);
      return log.info({ uid }, "removed what was left of a pod");
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error, uid }, "what is left of a pod could not be removed; trying again");
      await clock.sleep(retryMs, signal).catch(() => {});
    }
  }
}

async function removeOnce({ uid, address }: PodRecord, options: ManagerOptions): Promise<void> {
  const { nodeName, containers, records, keeper, addresses, signal } = options;
  const podFolder = records.folder(uid);
  await Promise.all(containerNames(podFolder).map((name) => endContainer(containers, podFolder, name, signal)));
  if (address !== undefined) await keeper.removePod(linkOf(nodeName, { uid, address }));
  addresses.release(uid);
  removeVolumes(podFolder);
  records.remove(uid);
}

async function endContainer(containers: Containers, podFolder: string, name: string, signal: AbortSignal): Promise<void> {
  const folder = containerFolder(podFolder, name);
  const run = folder.newest();
  if (run === undefined) return;
  containers.kill(folder.stateDir(run));
  if (containers.read(folder.stateDir(run)).state === "running") await containers.exited(folder.stateDir(run), signal);
}

/** Whether both hold the very same objects. */
function sameSources(a: ConfigSources, b: ConfigSources): boolean {
  const same = <T>(one: ReadonlyMap<string, T>, other: ReadonlyMap<string, T>) =>
    one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
  return same(a.configMaps, b.configMaps) && same(a.secrets, b.secrets);
}

function reportOf(uid: string, { pod, status }: PodWorker): PodReport {
  return { namespace: pod.metadata?.namespace ?? "", name: pod.metadata?.name ?? "", uid, status, gone: false };
}

function goneReport(uid: string, { metadata, status }: Pod): PodReport {
  return { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "", uid, status, gone: true };
}
