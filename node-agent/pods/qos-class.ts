/* A pod's quality of service, by what its containers ask for
 * (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/). Pure. */

import { parseQuantity, quantityProblem } from "#core/quantity.ts";
import type { Container, Pod } from "#proto/podwire/v1/resources.ts";

const resources = ["cpu", "memory"];

export function qosClassOf({ spec }: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  if (containers.every((container) => resources.every((name) => asksNothing(container, name)))) return "BestEffort";
  return containers.every((container) => resources.every((name) => isGuaranteed(container, name))) ? "Guaranteed" : "Burstable";
}

function asksNothing({ resources }: Container, name: string): boolean {
  return amountOf(resources?.limits[name]) === 0n && amountOf(resources?.requests[name]) === 0n;
}

/** A request that is absent is the limit. */
function isGuaranteed({ resources }: Container, name: string): boolean {
  const limit = amountOf(resources?.limits[name]);
  return limit > 0n && (resources?.requests[name] === undefined || amountOf(resources.requests[name]) === limit);
}

/** Checked when the pod was made. */
function amountOf(quantity: string | undefined): bigint {
  return quantity === undefined || quantityProblem(quantity) !== undefined ? 0n : parseQuantity(quantity);
}
