import { ConfigMap } from "#proto/podwire/v1/resources.ts";
import { subdomainNameProblem } from "../names.ts";
import { dataBytesMax, validateBase64, validateDataKeys, validateImmutable } from "./data.ts";
import type { Kind } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { invalidValue, tooLong } from "./problem.ts";

export const configMapKind: Kind<ConfigMap> = {
  kind: "ConfigMap",
  apiVersion: "v1",
  plural: "configmaps",
  singular: "configmap",
  shortNames: ["cm"],
  categories: [],
  namespaced: true,
  fromJson: (json) => ConfigMap.fromJSON(json),
  toJson: (configMap) => ConfigMap.toJSON(configMap),
  wrap: (value) => ({ object: { $case: "configMap", value } }),
  withDefaults: (configMap) => ({
    ...configMap,
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: configMap.metadata ?? emptyMetadata,
  }),
  validate(configMap) {
    const { data, binaryData } = configMap;
    const twice = Object.keys(data).filter((key) => Object.hasOwn(binaryData, key));
    const byteCount =
      Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0) +
      Object.values(binaryData).reduce((sum, text) => sum + Buffer.byteLength(text, "base64"), 0);
    return [
      ...validateMetadata(configMap, { namespaced: true, nameProblem: subdomainNameProblem }),
      ...validateDataKeys(data, "data"),
      ...validateDataKeys(binaryData, "binaryData"),
      ...twice.map((key) => invalidValue(`data[${key}]`, key, "duplicate of key present in binaryData")),
      ...validateBase64(binaryData, "binaryData"),
      ...(byteCount > dataBytesMax ? [tooLong("", dataBytesMax)] : []),
    ];
  },
  validateUpdate: (next, previous) => [
    ...validateMetadataUpdate(next, previous),
    ...validateImmutable(next, previous, ["data", "binaryData"]),
  ],
};
