/* Whether a node is one that a pod asks for: its nodeSelector and its node affinity. Pure. */

import { own } from "#core/json.ts";
import { requirementHolds } from "#core/objects/label-selector.ts";
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from "#proto/podwire/v1/resources.ts";

/** The nodeSelector and the required affinity, both. */
export function isWantedNode({ spec }: Pod, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  if (Object.entries(spec?.nodeSelector ?? {}).some(([key, value]) => own(labels, key) !== value)) return false;
  const needed = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return needed === undefined || needed.nodeSelectorTerms.some((term) => !isEmpty(term) && fits(term, node));
}

/** The weights of all preferences that the node has; a preference for nothing is one for every node. */
export function preferenceFor({ spec }: Pod, node: Node): number {
  const preferred = spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce(
    (sum, { weight = 0, preference }) => (preference === undefined || fits(preference, node) ? sum + weight : sum),
    0,
  );
}

function isEmpty({ matchExpressions, matchFields }: NodeSelectorTerm): boolean {
  return matchExpressions.length === 0 && matchFields.length === 0;
}

function fits({ matchExpressions, matchFields }: NodeSelectorTerm, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  const name = node.metadata?.name ?? "";
  return (
    matchExpressions.every((requirement) => holds(requirement, own(labels, requirement.key ?? ""))) &&
    matchFields.every((requirement) => holds(requirement, requirement.key === "metadata.name" ? name : undefined))
  );
}

function holds(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const bound = requirement.values[0];
  switch (requirement.operator) {
    case "Gt":
      return isInteger(value) && isInteger(bound) && BigInt(value) > BigInt(bound);
    case "Lt":
      return isInteger(value) && isInteger(bound) && BigInt(value) < BigInt(bound);
    default:
      return requirementHolds(requirement, value);
  }
}

function isInteger(text: string | undefined): text is string {
  return text !== undefined && /^-?[0-9]{1,18}$/.test(text);
}
