import { Node, type NodeSpec, type Taint } from "#proto/podwire/v1/resources.ts";
import { parseCidr } from "../cidr.ts";
import { isAppError } from "../errors.ts";
import { labelValueProblem, qualifiedNameProblem, subdomainNameProblem } from "../names.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { duplicate, forbidden, invalidValue, required, unless, unsupported } from "./problem.ts";

const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export const nodeKind: Kind<Node> = {
  kind: "Node",
  apiVersion: "v1",
  plural: "nodes",
  singular: "node",
  shortNames: ["no"],
  categories: [],
  namespaced: false,
  fromJson: (json) => Node.fromJSON(json),
  toJson: (node) => Node.toJSON(node),
  wrap: (value) => ({ object: { $case: "node", value } }),
  withDefaults(node) {
    return {
      apiVersion: "v1",
      kind: "Node",
      metadata: node.metadata ?? emptyMetadata,
      spec: specWithDefaults(node.spec ?? { podCIDRs: [], taints: [] }),
    };
  },
  validate(node) {
    const spec = node.spec;
    return [
      ...validateMetadata(node, { namespaced: false, nameProblem: subdomainNameProblem }),
      ...(spec === undefined ? [] : [...validatePodCidrs(spec), ...validateTaints(spec.taints)]),
    ];
  },
  validateUpdate(next, previous) {
    const problems = validateMetadataUpdate(next, previous);
    const before = previous.spec?.podCIDR ?? "";
    if (before !== "" && (next.spec?.podCIDR ?? "") !== before) {
      problems.push(forbidden("spec.podCIDR", `node updates may not change podCIDR once it is set (it is ${before})`));
    }
    const providerBefore = previous.spec?.providerID ?? "";
    if (providerBefore !== "" && (next.spec?.providerID ?? "") !== providerBefore) {
      problems.push(
        forbidden("spec.providerID", `node updates may not change providerID once it is set (it is ${providerBefore})`),
      );
    }
    return problems;
  },
};

/** `podCIDR` is the first of `podCIDRs`: whichever is there gives the other. */
function specWithDefaults(spec: NodeSpec): NodeSpec {
  const first = spec.podCIDR || spec.podCIDRs[0];
  if (first === undefined) return spec;
  return { ...spec, podCIDR: first, podCIDRs: spec.podCIDRs.length === 0 ? [first] : spec.podCIDRs };
}

function validatePodCidrs({ podCIDR, podCIDRs }: NodeSpec): Problem[] {
  const problems: Problem[] = [];
  for (const [i, cidr] of podCIDRs.entries()) problems.push(...unless(`spec.podCIDRs[${i}]`, cidr, cidrProblem(cidr)));
  if (podCIDR !== undefined && podCIDR !== podCIDRs[0]) {
    problems.push(invalidValue("spec.podCIDR", podCIDR, "must be the first of spec.podCIDRs"));
  }
  // Until there are two address families.
  if (podCIDRs.length > 1) problems.push(invalidValue("spec.podCIDRs", podCIDRs, "may hold no more than one IPv4 CIDR"));
  return problems;
}

function cidrProblem(text: string): string | undefined {
  try {
    parseCidr(text);
    return undefined;
  } catch (error) {
    if (isAppError(error, "invalid")) return error.message;
    throw error;
  }
}

function validateTaints(taints: readonly Taint[]): Problem[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, i) => {
    const path = `spec.taints[${i}]`;
    const { key = "", value = "", effect = "" } = taint;
    const problems = key === "" ? [required(`${path}.key`)] : unless(`${path}.key`, key, qualifiedNameProblem(key));
    problems.push(...unless(`${path}.value`, value, labelValueProblem(value)));
    if (effect === "") problems.push(required(`${path}.effect`));
    else if (!taintEffects.includes(effect)) problems.push(unsupported(`${path}.effect`, effect, taintEffects));
    const identity = `${key}:${effect}`;
    if (seen.has(identity)) problems.push(duplicate(path, identity));
    seen.add(identity);
    return problems;
  });
}
