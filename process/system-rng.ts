import type { Rng } from "#core/rng.ts";

export const systemRng: Rng = { next: () => Math.random() };
