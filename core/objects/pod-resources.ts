/* The rules of what containers ask for and may use at most, and what follows from them for a pod. */

import type { Container, Pod, ResourceRequirements } from "#proto/podwire/v1/resources.ts";
import { own, setOwn } from "../json.ts";
import { qualifiedNameProblem } from "../names.ts";
import { canonicalQuantity, parseQuantity, type Quantity, quantityProblem } from "../quantity.ts";
import type { Problem } from "./kind.ts";
import { invalidValue, unless } from "./problem.ts";

const standard = ["cpu", "memory", "ephemeral-storage"];

/** A request that isn't there is the limit's. */
export function resourcesWithDefaults(resources: ResourceRequirements): ResourceRequirements {
  const limits = canonical(resources.limits);
  return { ...resources, limits, requests: { ...limits, ...canonical(resources.requests) } };
}

function canonical(quantities: Readonly<Record<string, string>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, quantity] of Object.entries(quantities)) setOwn(result, name, canonicalQuantity(quantity));
  return result;
}

export function validateResources({ limits, requests }: ResourceRequirements, path: string): Problem[] {
  const problems = [...validateQuantities(limits, `${path}.limits`), ...validateQuantities(requests, `${path}.requests`)];
  for (const [name, request] of Object.entries(requests)) {
    const limit = own(limits, name);
    if (limit === undefined || quantityProblem(limit) !== undefined || quantityProblem(request) !== undefined) continue;
    if (parseQuantity(request) > parseQuantity(limit)) {
      problems.push(invalidValue(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
  return problems;
}

function validateQuantities(quantities: Readonly<Record<string, string>>, path: string): Problem[] {
  return Object.entries(quantities).flatMap(([name, quantity]) => {
    const at = `${path}[${name.slice(0, 80)}]`;
    const problems = unless(at, name, resourceNameProblem(name));
    const problem = quantityProblem(quantity);
    if (problem !== undefined) problems.push(invalidValue(at, quantity, problem));
    else if (parseQuantity(quantity) < 0n) problems.push(invalidValue(at, quantity, "must be greater than or equal to 0"));
    return problems;
  });
}

function resourceNameProblem(name: string): string | undefined {
  const problem = qualifiedNameProblem(name);
  if (problem !== undefined || name.includes("/") || name.startsWith("hugepages-") || standard.includes(name)) return problem;
  return "must be a standard resource for containers";
}

/**
 * What the scheduler counts of a pod: its containers and sidecars together, or a moment of its start if that needs more, when an init
 * container runs beside the sidecars before it.
 */
export function podRequests({ spec }: Pod): ReadonlyMap<string, Quantity> {
  const running = new Map<string, Quantity>();
  const peak = new Map<string, Quantity>();
  for (const container of spec?.initContainers ?? []) {
    const requests = requestsOfContainer(container);
    if (container.restartPolicy === "Always") {
      for (const [name, quantity] of requests) running.set(name, (running.get(name) ?? 0n) + quantity);
      raise(peak, running);
    } else {
      raise(peak, new Map([...requests].map(([name, quantity]) => [name, quantity + (running.get(name) ?? 0n)])));
    }
  }
  for (const container of spec?.containers ?? []) {
    for (const [name, quantity] of requestsOfContainer(container)) running.set(name, (running.get(name) ?? 0n) + quantity);
  }
  raise(running, peak);
  return running;
}

function raise(quantities: Map<string, Quantity>, others: ReadonlyMap<string, Quantity>): void {
  for (const [name, quantity] of others) {
    if (quantity > (quantities.get(name) ?? 0n)) quantities.set(name, quantity);
  }
}

/** What of it is no quantity is left out. */
export function requestsOfContainer({ resources }: Container): ReadonlyMap<string, Quantity> {
  return new Map(
    Object.entries(resources?.requests ?? {}).flatMap(([name, text]) =>
      quantityProblem(text) === undefined ? [[name, parseQuantity(text)]] : [],
    ),
  );
}

/** As in Kubernetes: by the cpu and memory of all containers. */
export function qosClassOf({ spec }: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const says = containers.map(({ resources }) => ({
    requests: positive(resources?.requests),
    limits: positive(resources?.limits),
  }));
  if (says.every(({ requests, limits }) => requests.size === 0 && limits.size === 0)) return "BestEffort";
  const isGuaranteed = says.every(({ requests, limits }) =>
    ["cpu", "memory"].every((name) => limits.has(name) && (requests.get(name) ?? limits.get(name)) === limits.get(name)),
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

/** The cpu and memory that are more than nothing. */
function positive(quantities: Readonly<Record<string, string>> = {}): ReadonlyMap<string, Quantity> {
  const result = new Map<string, Quantity>();
  for (const name of ["cpu", "memory"]) {
    const text = own(quantities, name);
    if (text === undefined || quantityProblem(text) !== undefined) continue;
    const quantity = parseQuantity(text);
    if (quantity > 0n) result.set(name, quantity);
  }
  return result;
}
