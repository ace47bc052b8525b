/* Manifests that several suites use. */

export interface PodSketch {
  readonly name: string;
  readonly namespace?: string;
  readonly node?: string;
  /** The first container's command; the toolbox's own where it is absent. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** More of the spec. */
  readonly spec?: object;
}

/** One container named "main", which ends at once when asked to. */
export function podOf({ name, namespace, node, command, args, spec }: PodSketch): object {
  const container = { name: "main", image: "podwire/toolbox", ...(command && { command }), ...(args && { args }) };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...(namespace && { namespace }) },
    spec: { ...(node && { nodeName: node }), terminationGracePeriodSeconds: 1, containers: [container], ...spec },
  };
}

/** Answers with who it is and whom it sees, on port 8080. */
export function serverPod(name: string, place: Omit<PodSketch, "name" | "args"> = {}): object {
  return podOf({ name, args: ["http-server"], ...place });
}

/** The Node of the checkout, as containers find it. */
export const nodeInPod = "/run/podwire/node";
