import { Secret } from "#proto/podwire/v1/resources.ts";
import { own, setOwn } from "../json.ts";
import { subdomainNameProblem } from "../names.ts";
import { dataBytesMax, validateBase64, validateDataKeys, validateImmutable } from "./data.ts";
import type { Kind } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { invalidValue, required, tooLong } from "./problem.ts";

/** By type, the keys that a Secret of that type must have. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
};

export const secretKind: Kind<Secret> = {
  kind: "Secret",
  apiVersion: "v1",
  plural: "secrets",
  singular: "secret",
  shortNames: [],
  categories: [],
  namespaced: true,
  fromJson: (json) => Secret.fromJSON(json),
  toJson: (secret) => Secret.toJSON(secret),
  wrap: (value) => ({ object: { $case: "secret", value } }),
  withDefaults(secret) {
    return {
      ...secret,
      apiVersion: "v1",
      kind: "Secret",
      metadata: secret.metadata ?? emptyMetadata,
      type: secret.type || "Opaque",
      data: withPlainText(secret),
      stringData: {},
    };
  },
  validate(secret) {
    const byteCount = Object.values(secret.data).reduce((sum, text) => sum + Buffer.byteLength(text, "base64"), 0);
    const basicAuth =
      secret.type === "kubernetes.io/basic-auth" && !["username", "password"].some((key) => Object.hasOwn(secret.data, key));
    const missing = (own(requiredKeys, secret.type ?? "") ?? []).filter((key) => !Object.hasOwn(secret.data, key));
    return [
      ...validateMetadata(secret, { namespaced: true, nameProblem: subdomainNameProblem }),
      ...validateDataKeys(secret.data, "data"),
      ...validateBase64(secret.data, "data"),
      ...(basicAuth ? [required("data[username]"), required("data[password]")] : []),
      ...missing.map((key) => required(`data[${key}]`)),
      ...(byteCount > dataBytesMax ? [tooLong("data", dataBytesMax)] : []),
    ];
  },
  validateUpdate(next, previous) {
    const problems = [...validateMetadataUpdate(next, previous), ...validateImmutable(next, previous, ["data"])];
    if (next.type !== previous.type) problems.push(invalidValue("type", next.type, "field is immutable"));
    return problems;
  },
};

/** `stringData` wins over `data`. */
function withPlainText({ data, stringData }: Secret): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [key, value] of Object.entries(data)) setOwn(result, key, value);
  for (const [key, value] of Object.entries(stringData)) setOwn(result, key, Buffer.from(value).toString("base64"));
  return result;
}
