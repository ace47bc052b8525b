/* Chance that must not be guessed or repeat: uids, secrets, generated names. An argument, so that tests can name what they expect. */

import { randomBytes, randomInt, randomUUID } from "node:crypto";

export interface Ids {
  uid(): string;
  /** Five characters for a name that `generateName` begins. */
  nameSuffix(): string;
  /** `byteCount` random bytes, in hexadecimal. */
  secret(byteCount: number): string;
}

// Kubernetes' alphabet: without vowels, so that no words come out, and without what looks alike.
export const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";

export const cryptoIds: Ids = {
  uid: () => randomUUID(),
  nameSuffix: () => Array.from({ length: 5 }, () => suffixAlphabet[randomInt(suffixAlphabet.length)]).join(""),
  secret: (byteCount) => randomBytes(byteCount).toString("hex"),
};
