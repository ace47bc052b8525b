/* What a container's processes may use together. Pure. */

import { parseQuantity } from "#core/quantity.ts";
import type { ContainerLimits } from "#kernel/cgroups.ts";
import type { Container } from "#proto/podwire/v1/resources.ts";

/** Of every container, so that none fills the machine's table of processes. */
const processesMax = 4_096;
const billion = 1_000_000_000;

export function limitsOf({ resources }: Container): ContainerLimits {
  const { memory, cpu } = resources?.limits ?? {};
  return {
    processes: processesMax,
    ...(memory === undefined ? {} : { memoryBytes: Math.ceil(unitsOf(memory)) }),
    ...(cpu === undefined ? {} : { cpus: unitsOf(cpu) }),
  };
}

function unitsOf(quantity: string): number {
  return Number(parseQuantity(quantity)) / billion;
}
