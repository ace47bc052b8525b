import { Pod, type PodSpec } from "#proto/podwire/v1/resources.ts";
import { labelNameProblem, subdomainNameProblem } from "../names.ts";
import { containerWithDefaults, validateContainers } from "./container.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateLabels, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { validatePodSpecUpdate } from "./pod-update.ts";
import { invalidValue, required, unless, unsupported } from "./problem.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

export const podKind: Kind<Pod> = {
  kind: "Pod",
  apiVersion: "v1",
  plural: "pods",
  singular: "pod",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  fromJson: (json) => Pod.fromJSON(json),
  toJson: (pod) => Pod.toJSON(pod),
  wrap: (value) => ({ object: { $case: "pod", value } }),
  withDefaults(pod) {
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: pod.metadata ?? emptyMetadata,
      spec: pod.spec === undefined ? undefined : podSpecWithDefaults(pod.spec),
    };
  },
  validate(pod) {
    return [
      ...validateMetadata(pod, { namespaced: true, nameProblem: subdomainNameProblem }),
      ...(pod.spec === undefined ? [required("spec.containers")] : validatePodSpec(pod.spec, "spec")),
    ];
  },
  validateUpdate(next, previous) {
    const problems = validateMetadataUpdate(next, previous);
    if (next.spec !== undefined && previous.spec !== undefined) {
      problems.push(...validatePodSpecUpdate(podKind.toJson(next), podKind.toJson(previous)));
    }
    return problems;
  },
};

function podSpecWithDefaults(spec: PodSpec): PodSpec {
  return {
    ...spec,
    containers: spec.containers.map(containerWithDefaults),
    restartPolicy: spec.restartPolicy || "Always",
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    dnsPolicy: spec.dnsPolicy || "ClusterFirst",
  };
}

/** Everything that is wrong with a pod's spec that stands at `path`. */
function validatePodSpec(spec: PodSpec, path: string): Problem[] {
  const { nodeName = "", hostname = "", subdomain = "", restartPolicy = "", dnsPolicy = "" } = spec;
  const problems = validateContainers(spec.containers, `${path}.containers`);
  if (!restartPolicies.includes(restartPolicy)) {
    problems.push(
      restartPolicy === ""
        ? required(`${path}.restartPolicy`)
        : unsupported(`${path}.restartPolicy`, restartPolicy, restartPolicies),
    );
  }
  if (dnsPolicy !== "" && !dnsPolicies.includes(dnsPolicy)) {
    problems.push(unsupported(`${path}.dnsPolicy`, dnsPolicy, dnsPolicies));
  }
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    problems.push(
      invalidValue(
        `${path}.terminationGracePeriodSeconds`,
        spec.terminationGracePeriodSeconds,
        "must be greater than or equal to 0",
      ),
    );
  }
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > 2147483647)) {
    problems.push(invalidValue(`${path}.activeDeadlineSeconds`, deadline, "must be between 1 and 2147483647, inclusive"));
  }
  if (nodeName !== "") problems.push(...unless(`${path}.nodeName`, nodeName, subdomainNameProblem(nodeName)));
  if (hostname !== "") problems.push(...unless(`${path}.hostname`, hostname, labelNameProblem(hostname)));
  if (subdomain !== "") problems.push(...unless(`${path}.subdomain`, subdomain, labelNameProblem(subdomain)));
  problems.push(...validateLabels(spec.nodeSelector, `${path}.nodeSelector`));
  return problems;
}
