/* A pod's network, from its first moment to its last, and its record beside it.
 *
 * (1) The record is on disk before anything of the pod is made, and goes after everything of it is gone.
 * (2) A pod that ended gives its network and address back; it never gets a network again. */

import type { Ipv4 } from "#core/ipv4.ts";
import type { HostPort } from "#kernel/network.ts";
import type { NetworkKeeper } from "../reconcile/network-keeper.ts";
import type { AddressPool } from "./address-pool.ts";
import { linkOf, type PodRecord, type PodRecords } from "./records.ts";

export interface NetworkOptions {
  readonly pod: { readonly uid: string; readonly namespace: string; readonly name: string };
  readonly hostNetwork: boolean;
  readonly hostPorts: readonly HostPort[];
  /** What an earlier agent kept. */
  readonly adopted: PodRecord | undefined;
  readonly bootId: string;
  readonly nodeName: string;
  readonly keeper: NetworkKeeper;
  readonly records: PodRecords;
  readonly addresses: AddressPool;
}

export interface PodNetwork {
  /** What an earlier agent kept is from before the host's last boot. */
  readonly rebooted: boolean;
  /** Its own, while it has one. */
  readonly address: Ipv4 | undefined;
  readonly netns: string | undefined;
  setUp(): Promise<void>;
  giveBack(): Promise<void>;
}

export function createPodNetwork(options: NetworkOptions): PodNetwork {
  const { pod, hostNetwork, hostPorts, nodeName, keeper, records, addresses, bootId } = options;
  const { uid } = pod;
  let record = options.adopted;
  const rebooted = record?.boot !== undefined && record.boot !== bootId;
  const keep = (next: Pick<PodRecord, "address" | "hostPorts" | "networkReady">) => {
    record = { ...pod, ...next, boot: bootId };
    records.save(record);
  };
  return {
    rebooted,
    get address() {
      return record?.address;
    },
    get netns() {
      return record?.address === undefined ? undefined : linkOf(nodeName, { uid, address: record.address }).netns;
    },
    async setUp() {
      if (hostNetwork) return keep({ networkReady: true });
      // Where it stands, containers may run in it already: whatever happens from here on, it is not to be made anew.
      const stands = record?.address !== undefined && record.networkReady && record.boot === bootId;
      const halfMade = stands ? undefined : record?.address;
      if (halfMade !== undefined) await keeper.removePod(linkOf(nodeName, { uid, address: halfMade }));
      const own = record?.address ?? addresses.take(uid);
      const kept = { address: own, ...(hostPorts.length === 0 ? {} : { hostPorts }) };
      if (!stands) keep({ ...kept, networkReady: false });
      await keeper.addPod(linkOf(nodeName, { uid, address: own, hostPorts }));
      keep({ ...kept, networkReady: true });
    },
    async giveBack() {
      if (record?.address === undefined) return;
      await keeper.removePod(linkOf(nodeName, { uid, address: record.address }));
      addresses.release(uid);
      keep({ networkReady: false });
    },
  };
}
