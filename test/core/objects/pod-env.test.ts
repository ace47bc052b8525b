import { c, checkRules, withContainer } from "./pod-rules.ts";

describe("variables", () => {
  checkRules([
    {
      title: "may come from elsewhere",
      pod: withContainer({
        env: [
          { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: "KEY", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: true } } },
        ],
        envFrom: [{ prefix: "P_", configMapRef: { name: "c" } }],
      }),
      want: [],
    },
    {
      title: "come from one place",
      pod: withContainer({
        env: [
          { name: "A", valueFrom: { fieldRef: { fieldPath: "spec.hostname" }, secretKeyRef: { name: "s", key: "a b" } } },
          { name: "B", valueFrom: { configMapKeyRef: {} } },
        ],
        envFrom: [{}, { configMapRef: { name: "c" }, secretRef: {} }],
      }),
      want: [
        `${c}.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time`,
        `${c}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.hostname": supported values: "metadata.name"`,
        `${c}.env[0].valueFrom.secretKeyRef.key: Invalid value: "a b": a valid config key must`,
        `${c}.env[1].valueFrom.configMapKeyRef.name: Required value`,
        `${c}.env[1].valueFrom.configMapKeyRef.key: Required value`,
        `${c}.envFrom[0]: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``,
        `${c}.envFrom[1]: Invalid value: "": may not have more than one field specified at a time`,
        `${c}.envFrom[1].secretRef.name: Required value`,
      ],
    },
  ]);
});
