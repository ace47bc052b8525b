/* Who a node is: the hash of its credential and the number of sessions it has had. Under a key of its own and not in the Node
 * object, which users read; deleted in the commit that deletes the Node. */

import { createHash, timingSafeEqual } from "node:crypto";
import type { Entry, Store, Write } from "../store/store.ts";

export interface Identity {
  /** Hexadecimal. */
  readonly credentialSha256: string;
  /** Of the newest session; 0 before the first. */
  readonly epoch: number;
}

export interface StoredIdentity extends Identity {
  readonly entry: Entry;
}

export function identityKey(node: string): string {
  return `identities/nodes/${node}`;
}

export function findIdentity(store: Store, node: string): StoredIdentity | undefined {
  const entry = store.get(identityKey(node));
  return entry && { ...(entry.value as Identity), entry };
}

export function putIdentity(node: string, { credentialSha256, epoch }: Identity): Write {
  return { type: "put", key: identityKey(node), value: { credentialSha256, epoch } };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Whether `secret` is the one with that hash; takes the same time whatever the difference. */
export function secretMatches(secret: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(secret), "hex"), Buffer.from(hash, "hex"));
}
