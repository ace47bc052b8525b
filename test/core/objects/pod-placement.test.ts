import assert from "node:assert/strict";
import { checkRules, withContainer } from "./pod-rules.ts";

describe("placement", () => {
  it("stays five minutes on a lost node, unless the pod says how long", () => {
    const seconds = (tolerations: object[]) =>
      withContainer({}, { tolerations }).spec?.tolerations.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]);
    assert.deepEqual(
      seconds([{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 }]),
      [
        ["node.kubernetes.io/not-ready", 5],
        ["node.kubernetes.io/unreachable", 300],
      ],
    );
    assert.deepEqual(seconds([{ operator: "Exists" }]), [[undefined, undefined]]);
  });

  const affinity = (nodeAffinity: object) => withContainer({}, { affinity: { nodeAffinity } });
  const needed = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  const preferred = "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution";
  checkRules([
    {
      title: "has tolerations that make sense",
      pod: withContainer(
        {},
        {
          tolerations: [
            { key: "a b", operator: "Exists" },
            { operator: "Equal" },
            { key: "a", operator: "Exists", value: "x" },
            { key: "a", operator: "In" },
            { key: "a", effect: "Never" },
            { key: "a", effect: "NoSchedule", tolerationSeconds: 1 },
            { operator: "Exists" },
          ],
        },
      ),
      want: [
        'spec.tolerations[0].key: Invalid value: "a b": name part must',
        'spec.tolerations[1].operator: Invalid value: "Equal": operator must be Exists when `key` is empty',
        "spec.tolerations[2].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
        'spec.tolerations[3].operator: Unsupported value: "In": supported values: "Equal", "Exists"',
        'spec.tolerations[4].effect: Unsupported value: "Never"',
        "spec.tolerations[5].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
      ],
    },
    {
      title: "has affinity that makes sense",
      pod: affinity({
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: "a", operator: "In" },
                { key: "a", operator: "Exists", values: ["x"] },
                { key: "a", operator: "Gt", values: [] },
                { key: "a", operator: "Like" },
              ],
              matchFields: [{ key: "metadata.uid", operator: "Exists" }],
            },
          ],
        },
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, preference: {} }],
      }),
      want: [
        `${needed}[0].matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
        `${needed}[0].matchExpressions[1].values: Forbidden: may not be specified`,
        `${needed}[0].matchExpressions[2].values: Required value: must be specified single value`,
        `${needed}[0].matchExpressions[3].operator: Invalid value: "Like": not a valid selector operator`,
        `${needed}[0].matchFields[0].operator: Invalid value: "Exists": not a valid selector operator`,
        `${needed}[0].matchFields[0].key: Invalid value: "metadata.uid": not a valid field selector key`,
        `${preferred}[0].weight: Invalid value: 101: must be in the range 1-100`,
      ],
    },
    {
      title: "has at least one term where it requires any",
      pod: affinity({ requiredDuringSchedulingIgnoredDuringExecution: {} }),
      want: [`${needed}: Required value: must have at least one node selector term`],
    },
    {
      title: "names hosts by address",
      pod: withContainer({}, { hostAliases: [{ ip: "10.0.0.300", hostnames: ["a.b", "A"] }] }),
      want: [
        'spec.hostAliases[0].ip: Invalid value: "10.0.0.300": must be a valid IP address',
        'spec.hostAliases[0].hostnames[1]: Invalid value: "A": a lowercase RFC 1123 subdomain',
      ],
    },
  ]);
});
