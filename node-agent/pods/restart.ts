/* When a container that ended runs again. Kubernetes: pod lifecycle, "Container restarts"
 * (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy). Pure. */

export type RestartPolicy = "Always" | "OnFailure" | "Never";

export const backoffFirstMs = 10_000;
export const backoffMaxMs = 300_000;
/** A container that ran this long is forgiven its earlier failures. */
export const backoffResetMs = 600_000;

export function shouldRestart(policy: RestartPolicy, exitCode: number): boolean {
  switch (policy) {
    case "Always":
      return true;
    case "OnFailure":
      return exitCode !== 0;
    case "Never":
      return false;
  }
}

/** How long a container waits before it runs again after its `crashes`th end in a row: not at all at first, then 10 s, 20 s … 300 s. */
export function restartDelayMs(crashes: number): number {
  return crashes <= 1 ? 0 : Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.min(crashes - 2, 10));
}
