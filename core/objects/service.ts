import { Service, type ServiceSpec } from "#proto/podwire/v1/resources.ts";
import { serviceNameProblem, subdomainNameProblem } from "../names.ts";
import { afterChange } from "../services/service-change.ts";
import { hasHealthCheckPort, isHeadless, serviceTypeOf, serviceTypes } from "../services/service-type.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateLabels, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { addressProblem } from "./pod-ports.ts";
import { forbidden, invalidValue, outside, required, unless, unsupported } from "./problem.ts";
import { portRange, servicePortWithDefaults, validateServicePorts } from "./service-ports.ts";

const affinities = ["ClientIP", "None"];
const policies = ["Cluster", "Local"];
const distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];
const familyPolicies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
/** Three hours, as in Kubernetes. */
const affinitySeconds = 10_800;
const affinitySecondsMax = 86_400;

export const serviceKind: Kind<Service> = {
  kind: "Service",
  apiVersion: "v1",
  plural: "services",
  singular: "service",
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  fromJson: (json) => Service.fromJSON(json),
  toJson: (service) => Service.toJSON(service),
  wrap: (value) => ({ object: { $case: "service", value } }),
  withDefaults: (service) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: service.metadata ?? emptyMetadata,
    spec: service.spec === undefined ? undefined : specWithDefaults(service.spec),
  }),
  afterChange,
  validate: (service) => [
    ...validateMetadata(service, { namespaced: true, nameProblem: serviceNameProblem }),
    ...(service.spec === undefined ? [required("spec.ports")] : validateSpec(service.spec)),
  ],
  validateUpdate(next, previous) {
    const problems = validateMetadataUpdate(next, previous);
    const [was, is] = [previous.spec?.clusterIP ?? "", next.spec?.clusterIP ?? ""];
    const both = [previous, next].every(({ spec }) => serviceTypeOf(spec).hasAddress);
    if (both && was !== "" && is !== was) {
      problems.push(invalidValue("spec.clusterIPs[0]", is, `may not change once set (it is ${was})`));
    }
    return problems;
  },
};

function specWithDefaults(spec: ServiceSpec): ServiceSpec {
  const type = serviceTypeOf(spec);
  const sessionAffinity = spec.sessionAffinity || "None";
  const clusterIP = spec.clusterIP || spec.clusterIPs[0];
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinitySeconds;
  return {
    ...spec,
    type: spec.type || type.name,
    ports: spec.ports.map(servicePortWithDefaults),
    clusterIP,
    clusterIPs: spec.clusterIPs.length > 0 || clusterIP === undefined ? spec.clusterIPs : [clusterIP],
    sessionAffinity,
    sessionAffinityConfig: sessionAffinity === "ClientIP" ? { clientIP: { timeoutSeconds: seconds } } : undefined,
    ...(type.hasAddress
      ? {
          ipFamilies: spec.ipFamilies.length > 0 ? spec.ipFamilies : ["IPv4"],
          ipFamilyPolicy: spec.ipFamilyPolicy || "SingleStack",
          internalTrafficPolicy: spec.internalTrafficPolicy || "Cluster",
        }
      : {}),
    ...(type.isExternal ? { externalTrafficPolicy: spec.externalTrafficPolicy || "Cluster" } : {}),
    ...(type.hasBalancer ? { allocateLoadBalancerNodePorts: spec.allocateLoadBalancerNodePorts ?? true } : {}),
  };
}

function validateSpec(spec: ServiceSpec): Problem[] {
  const { type = "", sessionAffinity = "", internalTrafficPolicy, trafficDistribution } = spec;
  const names = serviceTypes.map(({ name }) => name);
  return [
    ...(names.includes(type) ? [] : [unsupported("spec.type", type, names)]),
    ...validateServicePorts(spec, "spec.ports"),
    ...validateLabels(spec.selector, "spec.selector"),
    ...validateAddress(spec),
    ...validateExternalName(spec),
    ...(affinities.includes(sessionAffinity) ? [] : [unsupported("spec.sessionAffinity", sessionAffinity, affinities)]),
    ...outside("spec.sessionAffinityConfig.clientIP.timeoutSeconds", spec.sessionAffinityConfig?.clientIP?.timeoutSeconds, {
      min: 1,
      max: affinitySecondsMax,
    }),
    ...oneOf("spec.internalTrafficPolicy", internalTrafficPolicy, policies),
    ...oneOf("spec.trafficDistribution", trafficDistribution, distributions),
    ...validateExternal(spec),
    ...validateFamilies(spec),
  ];
}

function validateAddress({ type, clusterIP = "", clusterIPs }: ServiceSpec): Problem[] {
  const { hasAddress, isExternal } = serviceTypeOf({ type });
  if (!hasAddress) return clusterIP === "" ? [] : [forbidden("spec.clusterIP", `may not be set for ${type} services`)];
  if (clusterIPs.length > 1) return [invalidValue("spec.clusterIPs", clusterIPs, "may hold no more than one IPv4 address")];
  if (clusterIP === "") return [];
  if (clusterIPs[0] !== clusterIP) {
    return [invalidValue("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`")];
  }
  if (!isHeadless({ clusterIP })) return unless("spec.clusterIPs[0]", clusterIP, addressProblem(clusterIP));
  return isExternal ? [invalidValue("spec.clusterIPs[0]", clusterIP, `may not be set to 'None' for ${type} services`)] : [];
}

function validateExternalName({ type, externalName = "" }: ServiceSpec): Problem[] {
  if (type !== "ExternalName") return [];
  if (externalName === "") return [required("spec.externalName")];
  return unless("spec.externalName", externalName, subdomainNameProblem(externalName.replace(/\.$/, "").toLowerCase()));
}

/** What is for those outside of the cluster. */
function validateExternal(spec: ServiceSpec): Problem[] {
  const { externalTrafficPolicy, externalIPs, healthCheckNodePort, loadBalancerIP } = spec;
  const { isExternal, hasBalancer } = serviceTypeOf(spec);
  const problems = oneOf("spec.externalTrafficPolicy", externalTrafficPolicy, policies);
  if (externalTrafficPolicy !== undefined && !isExternal) {
    problems.push(
      invalidValue("spec.externalTrafficPolicy", externalTrafficPolicy, "may only be set for externally-accessible services"),
    );
  }
  if (externalIPs.length > 0) {
    problems.push(
      forbidden(
        "spec.externalIPs",
        "whoever may make a Service could take the traffic to any address (CVE-2020-8554): use type LoadBalancer",
      ),
    );
  }
  if (healthCheckNodePort !== undefined && healthCheckNodePort !== 0) {
    if (hasHealthCheckPort(spec)) problems.push(...outside("spec.healthCheckNodePort", healthCheckNodePort, portRange));
    else {
      const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
      problems.push(invalidValue("spec.healthCheckNodePort", healthCheckNodePort, detail));
    }
  }
  if (loadBalancerIP !== undefined && loadBalancerIP !== "") {
    problems.push(...unless("spec.loadBalancerIP", loadBalancerIP, addressProblem(loadBalancerIP)));
    if (!hasBalancer) problems.push(forbidden("spec.loadBalancerIP", "may only be used when `type` is 'LoadBalancer'"));
  }
  return problems;
}

function validateFamilies({ ipFamilies, ipFamilyPolicy }: ServiceSpec): Problem[] {
  const problems = oneOf("spec.ipFamilyPolicy", ipFamilyPolicy, familyPolicies);
  if (ipFamilyPolicy === "RequireDualStack") {
    problems.push(invalidValue("spec.ipFamilyPolicy", ipFamilyPolicy, "this cluster has IPv4 only"));
  }
  if (ipFamilies.length > 1 || ipFamilies.some((family) => family !== "IPv4")) {
    problems.push(invalidValue("spec.ipFamilies", ipFamilies.join(","), "this cluster has IPv4 only"));
  }
  return problems;
}

function oneOf(path: string, value: string | undefined, words: readonly string[]): Problem[] {
  return value === undefined || words.includes(value) ? [] : [unsupported(path, value, words)];
}
