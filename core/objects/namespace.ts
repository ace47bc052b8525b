import { Namespace } from "#proto/podwire/v1/resources.ts";
import { labelNameProblem } from "../names.ts";
import type { Kind } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";

export const namespaceKind: Kind<Namespace> = {
  kind: "Namespace",
  apiVersion: "v1",
  plural: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  categories: [],
  namespaced: false,
  fromJson: (json) => Namespace.fromJSON(json),
  toJson: (namespace) => Namespace.toJSON(namespace),
  wrap: (value) => ({ object: { $case: "namespace", value } }),
  withDefaults(namespace) {
    const metadata = namespace.metadata ?? emptyMetadata;
    const { name } = metadata;
    // So that a selector of namespaces can pick one by its name.
    const labels = name === undefined ? metadata.labels : { ...metadata.labels, "kubernetes.io/metadata.name": name };
    return {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { ...metadata, labels },
      spec: namespace.spec ?? { finalizers: [] },
    };
  },
  validate: (namespace) => validateMetadata(namespace, { namespaced: false, nameProblem: labelNameProblem }),
  validateUpdate: validateMetadataUpdate,
};
