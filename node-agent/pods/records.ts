/* What an agent leaves on disk so that the next one finds its pods: a folder for each, named by uid. The record is written before
 * anything else of the pod is made, so nothing is ever made that no record names. Each file is replaced as a whole. */

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { formatIpv4, type Ipv4, parseIpv4 } from "#core/ipv4.ts";
import type { HostPort, PodLink } from "#kernel/network.ts";
import { podDevicePrefix, podNetnsPrefix } from "#kernel/network.ts";
import { readJson, writeJson } from "../json-file.ts";
import { type AddressState, noAddresses } from "./addresses.ts";

export interface PodRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Absent for a pod in the node's own network. */
  readonly address?: Ipv4;
  readonly hostPorts?: readonly HostPort[];
  /** The pod's network was set up to its end. */
  readonly networkReady: boolean;
  /** The boot of the host that it was set up in, or was to be: at the next one nothing of it is there. */
  readonly boot?: string;
}

export interface PodRecords {
  load(): PodRecord[];
  save(record: PodRecord): void;
  /** The pod's whole folder. */
  remove(uid: string): void;
  /** Where a pod keeps what it has on disk. */
  folder(uid: string): string;
  loadAddresses(): AddressState;
  saveAddresses(state: AddressState): void;
}

interface RecordJson {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly address?: string;
  readonly hostPorts?: readonly HostPort[];
  readonly networkReady: boolean;
  readonly boot?: string;
}

interface AddressesJson {
  readonly last?: string;
  readonly released: Readonly<Record<string, number>>;
}

export function createPodRecords(stateDir: string): PodRecords {
  const pods = join(stateDir, "pods");
  const addresses = join(stateDir, "addresses.json");
  mkdirSync(pods, { recursive: true, mode: 0o700 });
  const folder = (uid: string) => join(pods, uid);
  const recordPath = (uid: string) => join(folder(uid), "pod.json");
  return {
    folder,
    load() {
      return readdirSync(pods).flatMap((uid) => {
        const json = readJson<RecordJson>(recordPath(uid));
        if (json !== undefined) return [fromJson(json)];
        // Killed between making the folder and writing the record: nothing else was made yet.
        rmSync(folder(uid), { recursive: true, force: true });
        return [];
      });
    },
    save(record) {
      mkdirSync(folder(record.uid), { recursive: true, mode: 0o700 });
      const address = record.address === undefined ? {} : { address: formatIpv4(record.address) };
      writeJson(recordPath(record.uid), { ...record, ...address });
    },
    remove(uid) {
      rmSync(folder(uid), { recursive: true, force: true });
    },
    loadAddresses() {
      const json = readJson<AddressesJson>(addresses);
      if (json === undefined) return noAddresses;
      return {
        last: json.last === undefined ? undefined : parseIpv4(json.last),
        releasedAtMs: new Map(Object.entries(json.released).map(([address, atMs]) => [parseIpv4(address), atMs])),
      };
    },
    saveAddresses({ last, releasedAtMs }) {
      const released = Object.fromEntries([...releasedAtMs].map(([address, atMs]) => [formatIpv4(address), atMs]));
      writeJson(addresses, { ...(last === undefined ? {} : { last: formatIpv4(last) }), released });
    },
  };
}

/** The names follow from the uid, so that a record is all it takes to remove a pod's network. */
export function linkOf(nodeName: string, { uid, address, hostPorts = [] }: LinkedPod): PodLink {
  const digits = uid.replaceAll("-", "");
  const netns = `${podNetnsPrefix(nodeName)}${uid}`;
  const device = `${podDevicePrefix}${digits.slice(0, 12)}`;
  return { netns, device, address, ...(hostPorts.length === 0 ? {} : { hostPorts }) };
}

interface LinkedPod {
  readonly uid: string;
  readonly address: Ipv4;
  readonly hostPorts?: readonly HostPort[] | undefined;
}

function fromJson({ address, ...json }: RecordJson): PodRecord {
  return { ...json, ...(address === undefined ? {} : { address: parseIpv4(address) }) };
}
