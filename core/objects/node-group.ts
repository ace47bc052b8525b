/* Nodes that a cluster adds and removes by itself: Kubernetes' Cluster Autoscaler knows such groups from a cloud, here they are objects. */

import { NodeGroup, type NodeGroupSpec } from "#proto/podwire/v1/resources.ts";
import { labelNameProblem } from "../names.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { invalidValue, outside, required } from "./problem.ts";

/** On each of its nodes, with the group's name. */
export const nodeGroupLabel = "podwire.dev/node-group";

export const nodeGroupKind: Kind<NodeGroup> = {
  kind: "NodeGroup",
  apiVersion: "podwire.dev/v1",
  plural: "nodegroups",
  singular: "nodegroup",
  shortNames: ["ng"],
  categories: [],
  namespaced: false,
  fromJson: (json) => NodeGroup.fromJSON(json),
  toJson: (group) => NodeGroup.toJSON(group),
  wrap: (value) => ({ object: { $case: "nodeGroup", value } }),
  withDefaults: ({ metadata, spec }) => ({
    apiVersion: "podwire.dev/v1",
    kind: "NodeGroup",
    metadata: metadata ?? emptyMetadata,
    spec: spec && { ...spec, minSize: spec.minSize ?? 0 },
  }),
  validate: (group) => [
    // It is a label's value, too.
    ...validateMetadata(group, { namespaced: false, nameProblem: labelNameProblem }),
    ...(group.spec === undefined ? [required("spec")] : validateSpec(group.spec)),
  ],
  validateUpdate: validateMetadataUpdate,
};

function validateSpec({ minSize = 0, maxSize }: NodeGroupSpec): Problem[] {
  if (maxSize === undefined) return [required("spec.maxSize")];
  const problems = [...outside("spec.minSize", minSize, { min: 0 }), ...outside("spec.maxSize", maxSize, { min: 1 })];
  if (maxSize < minSize) problems.push(invalidValue("spec.maxSize", maxSize, "must be greater than or equal to `minSize`"));
  return problems;
}
