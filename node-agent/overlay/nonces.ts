/* Which proofs were used before. A nonce is remembered for as long as its request could still be in time, so a request
 * that was overheard opens nothing. Only requests with a right proof get here: strangers cannot fill the memory. */

type NonceVerdict = "fresh" | "replayed" | "full";

export interface NonceMemory {
  /** Remembers `nonce` until `untilMs` where the verdict is "fresh". Times are of one clock that never goes back. */
  use(nonce: string, times: { readonly nowMs: number; readonly untilMs: number }): NonceVerdict;
  /** Whether nothing is worth remembering any more. */
  isEmpty(nowMs: number): boolean;
}

export function createNonceMemory(limit: number): NonceMemory {
  // In the order of use. The lifetimes are nearly equal, so the first are also the first to expire; one that lives longer
  // only delays when those behind it are forgotten.
  const expiries = new Map<string, number>();
  const expire = (nowMs: number) => {
    for (const [old, expiryMs] of expiries) {
      if (expiryMs > nowMs) break;
      expiries.delete(old);
    }
  };
  return {
    isEmpty(nowMs) {
      expire(nowMs);
      return expiries.size === 0;
    },
    use(nonce, { nowMs, untilMs }) {
      expire(nowMs);
      if (expiries.has(nonce)) return "replayed";
      if (expiries.size >= limit) return "full";
      expiries.set(nonce, untilMs);
      return "fresh";
    },
  };
}
