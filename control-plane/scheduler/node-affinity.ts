/* Whether a node is one that a pod asks for: its nodeSelector and its node affinity. Pure. */

import { own } from "#core/json.ts";
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

function holds({ operator, values }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return isInteger(value) && isInteger(values[0]) && BigInt(value) > BigInt(values[0]);
    case "Lt":
      return isInteger(value) && isInteger(values[0]) && BigInt(value) < BigInt(values[0]);
    default:
      return false;
  }
}

function isInteger(text: string | undefined): text is string {
  return text !== undefined && /^-?[0-9]{1,18}$/.test(text);
}
