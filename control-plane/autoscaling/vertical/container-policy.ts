/* What an autoscaler's resourcePolicy says of one container. Pure. */

import type { ContainerResourcePolicy, VerticalPodAutoscaler } from "#proto/podwire/v1/resources.ts";
import { type ResourceName, resourceNames } from "./estimate.ts";

/** The container's own policy, or the one of "*". */
export function containerPolicyOf({ spec }: VerticalPodAutoscaler, name: string): ContainerResourcePolicy | undefined {
  const policies = spec?.resourcePolicy?.containerPolicies ?? [];
  return (
    policies.find(({ containerName }) => containerName === name) ?? policies.find(({ containerName }) => containerName === "*")
  );
}

export function controlledResourcesOf(policy: ContainerResourcePolicy | undefined): readonly ResourceName[] {
  const said = policy?.controlledResources ?? [];
  return resourceNames.filter((name) => said.length === 0 || said.includes(name));
}
