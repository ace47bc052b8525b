import assert from "node:assert/strict";
import fc from "fast-check";
import { checkJson } from "#core/objects/check.ts";
import { findKind, kinds } from "#core/objects/kinds.ts";
import { formatProblem } from "#core/objects/problem.ts";
import { schema } from "#core/objects/schema.gen.ts";
import type { FieldSchema, FieldType } from "#core/objects/schema.ts";
import { WriteAnswer } from "#proto/podwire/v1/cluster.ts";
import { Resource } from "#proto/podwire/v1/resources.ts";

const kindNames = kinds.map(({ kind }) => kind);

function errorsOf(value: unknown, type = "Pod"): string[] {
  return checkJson(type, value).errors.map(formatProblem);
}

function warningsOf(value: unknown, type = "Pod"): string[] {
  return checkJson(type, value).warnings.map(formatProblem);
}

describe("checkJson", () => {
  const wrong: { value: unknown; type?: string; want: string[] }[] = [
    { value: null, want: ["Invalid value: null: must be an object"] },
    { value: [], want: ["Invalid value: […]: must be an object"] },
    { value: { spec: 3 }, want: ["spec: Invalid value: 3: must be an object"] },
    { value: { spec: { containers: {} } }, want: ["spec.containers: Invalid value: {…}: must be a list"] },
    { value: { spec: { containers: ["a"] } }, want: ['spec.containers[0]: Invalid value: "a": must be an object'] },
    { value: { spec: { containers: [null] } }, want: ["spec.containers[0]: Invalid value: null: must be an object"] },
    { value: { spec: { hostNetwork: "yes" } }, want: ['spec.hostNetwork: Invalid value: "yes": must be true or false'] },
    { value: { metadata: { labels: ["a"] } }, want: ["metadata.labels: Invalid value: […]: must be an object"] },
    {
      value: { metadata: { labels: { version: 1 } } },
      want: ['metadata.labels.version: Invalid value: 1: must be a string (quote it: "1")'],
    },
    {
      value: { spec: { terminationGracePeriodSeconds: 1.5 } },
      want: ["spec.terminationGracePeriodSeconds: Invalid value: 1.5: must be an integer"],
    },
    {
      value: { spec: { terminationGracePeriodSeconds: 2 ** 53 } },
      want: [
        "spec.terminationGracePeriodSeconds: Invalid value: 9007199254740992: must be between -9007199254740991 and 9007199254740991, inclusive",
      ],
    },
    { value: { spec: { os: "none" } }, want: ['spec.os: Invalid value: "none": must be an object'] },
    { value: { spec: { os: { a: Number.NaN } } }, want: ["spec.os.a: Invalid value: NaN: must be JSON"] },
    {
      value: { spec: { podCIDR: 10 } },
      type: "Node",
      want: ['spec.podCIDR: Invalid value: 10: must be a string (quote it: "10")'],
    },
    {
      value: {
        spec: {
          containers: [
            { ports: [{ containerPort: 80 }, { containerPort: "81" }, { containerPort: 2 ** 31 }] },
            { command: ["sleep", 10, true] },
          ],
        },
      },
      want: [
        'spec.containers[0].ports[1].containerPort: Invalid value: "81": must be an integer, without quotes',
        "spec.containers[0].ports[2].containerPort: Invalid value: 2147483648: must be between -2147483648 and 2147483647, inclusive",
        'spec.containers[1].command[1]: Invalid value: 10: must be a string (quote it: "10")',
        'spec.containers[1].command[2]: Invalid value: true: must be a string (quote it: "true")',
      ],
    },
  ];
  for (const { value, type, want } of wrong) {
    it(`refuses ${JSON.stringify(value)}`, () => assert.deepEqual(errorsOf(value, type), want));
  }

  it("keeps the place of a wrong item, so that the items behind it keep their index", () => {
    const { value } = checkJson("Pod", { spec: { containers: [7, { name: "b" }] } });
    assert.deepEqual(value, { spec: { containers: [{}, { name: "b" }] } });
  });

  it("warns of unknown fields, and leaves them out", () => {
    const value = {
      metadata: { name: "a" },
      spec: { restartpolicy: "Never", containers: [{ image: "x", portss: [] }], wings: 2 },
    };
    assert.deepEqual(warningsOf(value), [
      'unknown field "spec.restartpolicy", did you mean "restartPolicy"?',
      'unknown field "spec.containers[0].portss", did you mean "ports"?',
      'unknown field "spec.wings"',
    ]);
    assert.deepEqual(errorsOf(value), []);
    assert.deepEqual(checkJson("Pod", value).value, { metadata: { name: "a" }, spec: { containers: [{ image: "x" }] } });
  });

  it("does not take protobuf's own spelling of a field for the field", () => {
    assert.deepEqual(warningsOf({ spec: { node_name: "n" } }), ['unknown field "spec.node_name", did you mean "nodeName"?']);
    assert.deepEqual(checkJson("Pod", { spec: { node_name: "n" } }).value, { spec: {} });
  });

  it("warns once of a field that is kept, whatever is in it", () => {
    const value = { spec: { os: { anything: { at: [1] } }, topologySpreadConstraints: [{ maxSkew: 1 }] } };
    assert.deepEqual(warningsOf(value), [
      "spec.os: kept, but Podwire does not act on it",
      "spec.topologySpreadConstraints: kept, but Podwire does not act on it",
    ]);
    assert.deepEqual(checkJson("Pod", value).value, value);
  });

  it("says nothing of what an exported manifest carries", () => {
    const value = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "a", creationTimestamp: null, selfLink: "/x", managedFields: [{ manager: "kubectl" }] },
      spec: {
        containers: [
          {
            name: "a",
            image: "x",
            imagePullPolicy: "Always",
            resources: {},
            terminationMessagePath: "/dev/termination-log",
            terminationMessagePolicy: "File",
          },
        ],
        dnsPolicy: "ClusterFirst",
        enableServiceLinks: true,
        preemptionPolicy: "PreemptLowerPriority",
        priority: 0,
        schedulerName: "default-scheduler",
        securityContext: {},
        serviceAccount: "default",
        serviceAccountName: "default",
      },
      status: { phase: "Running", initContainerStatuses: [], resize: "Proposed" },
    };
    assert.deepEqual(checkJson("Pod", value).errors, []);
    assert.deepEqual(warningsOf(value), []);
  });

  it("takes null for absent, and an empty label for an empty string", () => {
    const { value, errors } = checkJson("Pod", { metadata: { name: "a", labels: { app: null } }, spec: null });
    assert.deepEqual(errors, []);
    assert.deepEqual(value, { metadata: { name: "a", labels: { app: "" } } });
  });

  it("turns quantities that were written as numbers into strings", () => {
    const { value, errors } = checkJson("Node", { status: { capacity: { cpu: 4, memory: "8Gi" } } });
    assert.deepEqual(errors, []);
    assert.deepEqual(value, { status: { capacity: { cpu: "4", memory: "8Gi" } } });
  });

  it("does so for a container's resources and a volume's size limit", () => {
    const spec = {
      containers: [{ resources: { limits: { cpu: 2, memory: "1Gi" }, requests: { cpu: 0.5 } } }],
      volumes: [{ emptyDir: { sizeLimit: 1024 } }],
    };
    const { value, errors } = checkJson("Pod", { spec });
    assert.deepEqual(errors, []);
    assert.deepEqual(value, {
      spec: {
        containers: [{ resources: { limits: { cpu: "2", memory: "1Gi" }, requests: { cpu: "0.5" } } }],
        volumes: [{ emptyDir: { sizeLimit: "1024" } }],
      },
    });
  });

  it("takes hostile keys for unknown fields and touches no prototype", () => {
    const hostile = JSON.parse(
      '{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}},"metadata":{"labels":{"__proto__":"x","constructor":"ok"}},"spec":{"os":{"__proto__":{"x":1},"a":{"__proto__":1}}}}',
    );
    const { errors, warnings, value } = checkJson("Pod", hostile);
    assert.deepEqual(errors, []);
    assert.deepEqual(
      warnings.map(({ path }) => path),
      ["__proto__", "constructor", "metadata.labels.__proto__", "spec.os", "spec.os.__proto__", "spec.os.a.__proto__"],
    );
    assert.equal(JSON.stringify(value), '{"metadata":{"labels":{"constructor":"ok"}},"spec":{"os":{"a":{}}}}');
    assert.equal(({} as { x?: number }).x, undefined);
  });

  it("refuses what is nested too deep, and a value that holds itself", () => {
    const deep = JSON.parse(`{"spec":{"os":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}}`);
    assert.match(errorsOf(deep)[0] ?? "", /Too deep: may not be nested in more than 32 levels$/);
    const circle: { a?: unknown } = {};
    circle.a = circle;
    assert.match(errorsOf({ spec: { os: circle } })[0] ?? "", /Too deep/);
  });

  it("refuses what is too big, by bytes and by number of values", () => {
    const want = ["Too long: may not be more than 1572864 bytes"];
    assert.deepEqual(errorsOf({ metadata: { annotations: { a: "x".repeat(2 ** 21) } } }), want);
    assert.deepEqual(errorsOf({ spec: { topologySpreadConstraints: new Array(100_000).fill(null) } }), want);
  });

  it("names a hundred problems at most, and how many more there were", () => {
    const errors = errorsOf({ spec: { containers: new Array(150).fill(1) } });
    assert.equal(errors.length, 101);
    assert.equal(errors.at(-1), "… and 50 more");
  });

  it("keeps its messages short, whatever the input's keys and values", () => {
    const long = "x".repeat(10_000);
    for (const text of [...errorsOf({ spec: { os: { [long]: { [long]: Number.NaN } } } }), ...warningsOf({ [long]: 1 })]) {
      assert.ok(text.length < 400, text);
    }
  });

  it("never throws, on any JSON", () => {
    const keys = fc.constantFrom(
      "spec",
      "metadata",
      "containers",
      "labels",
      "status",
      "__proto__",
      "constructor",
      "toString",
      "a",
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.array(tie("tree")), fc.dictionary(keys, tie("tree"))),
    }));
    fc.assert(
      fc.property(fc.constantFrom(...kindNames), fc.oneof(tree, fc.anything()), (type, value) => {
        const { errors, value: checked } = checkJson(type, value);
        if (errors.length === 0) findKind(type)?.fromJson(checked);
      }),
    );
  });

  it("accepts whatever the table says, and all of it survives fromJson, the wire and toJson", () => {
    for (const name of kindNames) {
      const kind = findKind(name);
      assert.ok(kind !== undefined);
      fc.assert(
        fc.property(arbitraryMessage(name), (value) => {
          const checked = checkJson(name, value);
          assert.deepEqual(checked.errors, []);
          assert.deepEqual(checked.value, value);
          const sent = Resource.decode(Resource.encode(kind.wrap(kind.fromJson(checked.value))).finish());
          assert.ok(sent.object !== undefined);
          assert.deepEqual(kind.toJson(sent.object.value), value);
        }),
        { numRuns: 60 },
      );
    }
  });

  it("leaves the rules nothing to stumble over, and defaults nothing to change the second time", () => {
    for (const name of kindNames) {
      const kind = findKind(name);
      assert.ok(kind !== undefined);
      fc.assert(
        fc.property(arbitraryMessage(name), arbitraryMessage(name), (value, other) => {
          const object = kind.withDefaults(kind.fromJson(value));
          assert.deepEqual(kind.toJson(kind.withDefaults(object)), kind.toJson(object));
          kind.validate(object);
          kind.validateUpdate(object, kind.fromJson(other));
        }),
        { numRuns: 100 },
      );
    }
  });

  it("accepts no depth that the wire does not carry", () => {
    const kind = findKind("Pod");
    assert.ok(kind !== undefined);
    for (let levels = 1; levels <= 40; levels++) {
      let os: object = {};
      for (let i = 0; i < levels; i++) os = { a: os };
      const { errors, value } = checkJson("Pod", { spec: { os } });
      if (errors.length > 0) {
        assert.ok(levels > 20, `${levels} levels refused`);
        continue;
      }
      const answer: WriteAnswer = { results: [{ object: kind.wrap(kind.fromJson(value)), warnings: [], action: "created" }] };
      WriteAnswer.decode(WriteAnswer.encode(answer).finish());
    }
  });
});

function arbitraryMessage(name: string): fc.Arbitrary<unknown> {
  const fields = Object.entries(schema[name] ?? {}).map(([field, type]) => [field, arbitraryField(type)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [], noNullPrototype: true });
}

function arbitraryField({ shape, type }: FieldSchema): fc.Arbitrary<unknown> {
  switch (shape) {
    case "one":
      // A null is an absent field.
      return arbitraryValue(type).filter((value) => value !== null);
    case "list":
      return fc.array(arbitraryValue(type), { minLength: 1, maxLength: 2 });
    case "map":
      return fc.dictionary(key, arbitraryValue(type), { minKeys: 1, maxKeys: 2, noNullPrototype: true });
  }
}

const text = fc.string({ unit: "binary", maxLength: 8 });
const key = text.filter((word) => word !== "__proto__");
const anyJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    text,
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(key, tie("value"), { maxKeys: 2, noNullPrototype: true }),
  ),
})).value;

function arbitraryValue(type: FieldType): fc.Arbitrary<unknown> {
  switch (type) {
    case "string":
      return text;
    case "bool":
      return fc.boolean();
    case "int32":
      return fc.integer();
    case "int64":
      return fc.maxSafeInteger();
    case "double":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "struct":
      return fc.dictionary(key, anyJson, { maxKeys: 2, noNullPrototype: true });
    case "value":
      return anyJson;
    default:
      return arbitraryMessage(type.message);
  }
}
