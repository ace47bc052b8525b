import { createHmac } from "node:crypto";

/** The tunnel key of two nodes, 32 bytes, the same from both sides; without the cluster's secret nobody can derive another's. */
export function pairKey(secret: Buffer, a: string, b: string): Buffer {
  // No node's name holds a line feed, so no two pairs have the same text.
  return createHmac("sha256", secret).update([a, b].sort().join("\n")).digest();
}
