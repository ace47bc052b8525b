export interface TokenBucketOptions {
  /** How many may come at once. */
  readonly burst: number;
  /** After how long one more may come. */
  readonly refillMs: number;
}

export interface TokenBucket {
  /** False where none is left. Times never go back. */
  take(nowMs: number): boolean;
}

export function createTokenBucket({ burst, refillMs }: TokenBucketOptions): TokenBucket {
  let tokens = burst;
  let lastMs: number | undefined;
  return {
    take(nowMs) {
      tokens = Math.min(burst, tokens + (nowMs - (lastMs ?? nowMs)) / refillMs);
      lastMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
