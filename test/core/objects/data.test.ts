import assert from "node:assert/strict";
import { configMapKind } from "#core/objects/config-map.ts";
import { formatProblem } from "#core/objects/problem.ts";
import { secretKind } from "#core/objects/secret.ts";

const metadata = { name: "c", namespace: "default" };

function configMap(fields: object) {
  return configMapKind.withDefaults(configMapKind.fromJson({ metadata, ...fields }));
}

function secret(fields: object) {
  return secretKind.withDefaults(secretKind.fromJson({ metadata, ...fields }));
}

const MiB = 1024 * 1024;

describe("a ConfigMap", () => {
  const cases: { title: string; fields: object; want: string[] }[] = [
    { title: "may hold text and bytes", fields: { data: { "a.conf": "x", A_B: "" }, binaryData: { b: "AAE=" } }, want: [] },
    { title: "may hold a mebibyte", fields: { data: { a: "x".repeat(MiB) } }, want: [] },
    {
      title: "may not hold more",
      fields: { data: { a: "x".repeat(MiB - 2) }, binaryData: { b: "AAEC" } },
      want: ["Too long: may not be more than 1048576 bytes"],
    },
    {
      title: "counts bytes and not characters",
      fields: { data: { a: "ü".repeat(MiB / 2 + 1) } },
      want: ["Too long: may not be more than 1048576 bytes"],
    },
    {
      title: "has keys that may be file names",
      fields: { data: { "a/b": "", "..": "", ".": "", "..x": "", ["k".repeat(254)]: "" } },
      want: [
        'data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters',
        "data[..]: Invalid value: \"..\": must not be '..'",
        "data[.]: Invalid value: \".\": must not be '.'",
        "data[..x]: Invalid value: \"..x\": must not start with '..'",
        `data[${"k".repeat(80)}…]: Invalid value`,
      ],
    },
    {
      title: "has no key twice",
      fields: { data: { a: "" }, binaryData: { a: "" } },
      want: ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    },
    {
      title: "has base64 as its bytes",
      fields: { binaryData: { a: "%" } },
      want: ["binaryData[a]: Invalid value: must be base64"],
    },
  ];
  for (const { title, fields, want } of cases) {
    it(title, () => {
      const problems = configMapKind.validate(configMap(fields)).map(formatProblem);
      assert.equal(problems.length, want.length, problems.join("\n"));
      for (const [i, line] of problems.entries()) assert.ok(line.startsWith(want[i] ?? "?"), line);
    });
  }

  it("that is immutable stays as it is, but for its metadata", () => {
    const frozen = configMap({ data: { a: "1" }, immutable: true });
    const problems = (next: object) => configMapKind.validateUpdate(configMap(next), frozen).map(formatProblem);
    const why = "Forbidden: field is immutable when `immutable` is set";
    assert.deepEqual(problems({ data: { a: "2" }, immutable: true }), [`data: ${why}`]);
    assert.deepEqual(problems({ data: { a: "1" } }), [`immutable: ${why}`]);
    assert.deepEqual(problems({ data: { a: "1" }, binaryData: { b: "" }, immutable: true }), [`binaryData: ${why}`]);
    assert.deepEqual(problems({ data: { a: "1" }, immutable: true, metadata: { ...metadata, labels: { a: "b" } } }), []);
  });
});

describe("a Secret", () => {
  it("takes plain text into its data, over what stood there, and is Opaque", () => {
    const { data, stringData, type } = secret({ data: { a: "eA==", b: "eQ==" }, stringData: { a: "ü" } });
    assert.deepEqual({ ...data }, { a: "w7w=", b: "eQ==" });
    assert.deepEqual({ ...stringData }, {});
    assert.equal(type, "Opaque");
  });

  const cases: { title: string; fields: object; want: string[] }[] = [
    { title: "is whole", fields: { data: { a: "eA==" } }, want: [] },
    {
      title: "names no value where one is no base64",
      fields: { data: { a: "hunter2!" } },
      want: ["data[a]: Invalid value: must be base64"],
    },
    {
      title: "of a TLS key has both parts",
      fields: { type: "kubernetes.io/tls", data: { "tls.crt": "" } },
      want: ["data[tls.key]: Required value"],
    },
    {
      title: "of a user has a name or a password",
      fields: { type: "kubernetes.io/basic-auth" },
      want: ["data[username]: Required value", "data[password]: Required value"],
    },
    { title: "of a user may lack a name", fields: { type: "kubernetes.io/basic-auth", stringData: { password: "x" } }, want: [] },
    {
      title: "may not hold more than a mebibyte",
      fields: { stringData: { a: "x".repeat(MiB + 1) } },
      want: ["data: Too long: may not be more than 1048576 bytes"],
    },
  ];
  for (const { title, fields, want } of cases) {
    it(title, () => assert.deepEqual(secretKind.validate(secret(fields)).map(formatProblem), want));
  }

  it("keeps its type, and its data where it is immutable", () => {
    const before = secret({ data: { a: "eA==" }, immutable: true });
    const problems = (next: object) => secretKind.validateUpdate(secret(next), before).map(formatProblem);
    assert.deepEqual(problems({ data: { a: "eA==" }, immutable: true, type: "other" }), [
      'type: Invalid value: "other": field is immutable',
    ]);
    assert.deepEqual(problems({ data: { a: "eQ==" }, immutable: true }), [
      "data: Forbidden: field is immutable when `immutable` is set",
    ]);
  });
});
