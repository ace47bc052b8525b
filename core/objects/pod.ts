import { type HostAlias, Pod, type PodSecurityContext, type PodSpec } from "#proto/podwire/v1/resources.ts";
import { labelNameProblem, subdomainNameProblem } from "../names.ts";
import { containerWithDefaults, idRange, validateContainers, validateInitContainers } from "./container.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateLabels, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { validateDns } from "./pod-dns.ts";
import { tolerationsWithDefaults, validateAffinity, validateTolerations } from "./pod-placement.ts";
import { addressProblem, validateHostPorts } from "./pod-ports.ts";
import { validateReadinessGates } from "./pod-readiness.ts";
import { validatePodSpecUpdate } from "./pod-update.ts";
import { validateVolumes, volumeWithDefaults } from "./pod-volumes.ts";
import { outside, required, unless, unsupported } from "./problem.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];

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
      spec: pod.spec === undefined ? undefined : admitted(podSpecWithDefaults(pod.spec)),
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
      // A pod of an older version may lack what is filled in by now.
      problems.push(...validatePodSpecUpdate(podKind.toJson(next), podKind.toJson(podKind.withDefaults(previous))));
    }
    return problems;
  },
};

/** What a pod gets when it comes into the cluster, and a template does not. */
function admitted(spec: PodSpec): PodSpec {
  return { ...spec, tolerations: tolerationsWithDefaults(spec.tolerations) };
}

/** What a pod and the template of one get alike. */
export function podSpecWithDefaults(spec: PodSpec): PodSpec {
  const hostNetwork = spec.hostNetwork === true;
  return {
    ...spec,
    containers: spec.containers.map((container) => containerWithDefaults(container, hostNetwork)),
    initContainers: spec.initContainers.map((container) => containerWithDefaults(container, hostNetwork)),
    volumes: spec.volumes.map(volumeWithDefaults),
    restartPolicy: spec.restartPolicy || "Always",
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    dnsPolicy: spec.dnsPolicy || "ClusterFirst",
    enableServiceLinks: spec.enableServiceLinks ?? true,
  };
}

/** Everything that is wrong with a pod's spec that stands at `path`. */
export function validatePodSpec(spec: PodSpec, path: string): Problem[] {
  const { nodeName = "", hostname = "", subdomain = "", restartPolicy = "" } = spec;
  const problems = validateProgramsAndFiles(spec, path);
  if (!restartPolicies.includes(restartPolicy)) {
    problems.push(
      restartPolicy === ""
        ? required(`${path}.restartPolicy`)
        : unsupported(`${path}.restartPolicy`, restartPolicy, restartPolicies),
    );
  }
  problems.push(...validateDns(spec, path));
  problems.push(...outside(`${path}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds, { min: 0 }));
  problems.push(...outside(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, { ...idRange, min: 1 }));
  if (nodeName !== "") problems.push(...unless(`${path}.nodeName`, nodeName, subdomainNameProblem(nodeName)));
  if (hostname !== "") problems.push(...unless(`${path}.hostname`, hostname, labelNameProblem(hostname)));
  if (subdomain !== "") problems.push(...unless(`${path}.subdomain`, subdomain, labelNameProblem(subdomain)));
  problems.push(...validateLabels(spec.nodeSelector, `${path}.nodeSelector`));
  problems.push(...validateReadinessGates(spec.readinessGates, `${path}.readinessGates`));
  problems.push(...validateTolerations(spec.tolerations, `${path}.tolerations`));
  if (spec.affinity !== undefined) problems.push(...validateAffinity(spec.affinity, `${path}.affinity`));
  problems.push(...spec.hostAliases.flatMap((alias, i) => validateHostAlias(alias, `${path}.hostAliases[${i}]`)));
  return problems;
}

function validateProgramsAndFiles(spec: PodSpec, path: string): Problem[] {
  const rules = {
    volumes: new Set(spec.volumes.map(({ name = "" }) => name)),
    hostNetwork: spec.hostNetwork === true,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
  };
  const taken = new Set(spec.containers.map(({ name = "" }) => name));
  return [
    ...validateVolumes(spec.volumes, `${path}.volumes`),
    ...validateContainers(spec.containers, `${path}.containers`, rules),
    ...validateInitContainers(spec.initContainers, `${path}.initContainers`, { ...rules, taken }),
    ...validateHostPorts(spec.containers, `${path}.containers`),
    ...(spec.securityContext === undefined ? [] : validatePodSecurity(spec.securityContext, `${path}.securityContext`)),
  ];
}

function validatePodSecurity(context: PodSecurityContext, path: string): Problem[] {
  const { runAsUser, runAsGroup, fsGroup, supplementalGroups } = context;
  return [
    ...Object.entries({ runAsUser, runAsGroup, fsGroup }).flatMap(([field, id]) => outside(`${path}.${field}`, id, idRange)),
    ...supplementalGroups.flatMap((id, i) => outside(`${path}.supplementalGroups[${i}]`, id, idRange)),
  ];
}

function validateHostAlias({ ip = "", hostnames }: HostAlias, path: string): Problem[] {
  return [
    ...unless(`${path}.ip`, ip, addressProblem(ip)),
    ...hostnames.flatMap((hostname, i) => unless(`${path}.hostnames[${i}]`, hostname, subdomainNameProblem(hostname))),
  ];
}
