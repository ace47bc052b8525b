/* Which pods of a node a drain evicts, and which make it stop and ask, as kubectl decides it. Pure. */

import type { Pod } from "#proto/podwire/v1/resources.ts";

export interface DrainPolicy {
  readonly ignoreDaemonSets: boolean;
  readonly deleteEmptyDirData: boolean;
  readonly force: boolean;
}

export interface SelectedPods {
  readonly pods: readonly Pod[];
  /** Of what is lost or left. */
  readonly warnings: readonly string[];
  /** What must be allowed first; the pods aren't to be touched then. */
  readonly errors: readonly string[];
}

interface Objection {
  readonly applies: (pod: Pod) => boolean;
  readonly allowed: boolean;
  readonly fatal: string;
  readonly warning: string;
}

export function selectPods(pods: readonly Pod[], policy: DrainPolicy): SelectedPods {
  const left = pods.filter((pod) => !hasEnded(pod));
  const objections: readonly Objection[] = [
    {
      applies: isOfDaemonSet,
      allowed: policy.ignoreDaemonSets,
      fatal: "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
      warning: "ignoring DaemonSet-managed Pods",
    },
    {
      applies: (pod) => !isOfDaemonSet(pod) && hasLocalStorage(pod),
      allowed: policy.deleteEmptyDirData,
      fatal: "cannot delete Pods with local storage (use --delete-emptydir-data to override)",
      warning: "deleting Pods with local storage",
    },
    {
      applies: (pod) => !isOfDaemonSet(pod) && controllerKindOf(pod) === undefined,
      allowed: policy.force,
      fatal: "cannot delete Pods that declare no controller (use --force to override)",
      warning: "deleting Pods that declare no controller",
    },
  ];
  const said = objections.flatMap(({ applies, allowed, fatal, warning }) => {
    const names = left.filter(applies).map(pathOf).sort();
    return names.length === 0 ? [] : [{ allowed, line: `${allowed ? warning : fatal}: ${names.join(", ")}` }];
  });
  return {
    pods: pods.filter((pod) => hasEnded(pod) || !isOfDaemonSet(pod)),
    warnings: said.filter(({ allowed }) => allowed).map(({ line }) => line),
    errors: said.filter(({ allowed }) => !allowed).map(({ line }) => line),
  };
}

/** `default/web` */
export function pathOf({ metadata }: Pod): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

function isOfDaemonSet(pod: Pod): boolean {
  return controllerKindOf(pod) === "DaemonSet";
}

function hasLocalStorage({ spec }: Pod): boolean {
  return spec?.volumes.some(({ emptyDir }) => emptyDir !== undefined) ?? false;
}

function controllerKindOf({ metadata }: Pod): string | undefined {
  return metadata?.ownerReferences.find(({ controller }) => controller === true)?.kind;
}
