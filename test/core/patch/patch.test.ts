import assert from "node:assert/strict";
import fc from "fast-check";
import { isAppError } from "#core/errors.ts";
import type { Json, JsonObject } from "#core/json.ts";
import { applyPatch } from "#core/patch/patch.ts";

function patch(type: string, target: JsonObject, value: Json): JsonObject {
  return applyPatch(target, { type, text: JSON.stringify(value) });
}

describe("a merge patch", () => {
  const cases: { title: string; target: JsonObject; patch: Json; want: JsonObject }[] = [
    { title: "replaces a value", target: { a: "b" }, patch: { a: "c" }, want: { a: "c" } },
    { title: "adds a value", target: { a: "b" }, patch: { b: "c" }, want: { a: "b", b: "c" } },
    { title: "takes away what is null", target: { a: "b", b: "c" }, patch: { a: null }, want: { b: "c" } },
    { title: "replaces lists", target: { a: ["b"] }, patch: { a: [1] }, want: { a: [1] } },
    {
      title: "merges objects",
      target: { a: { b: "c", d: 1 } },
      patch: { a: { b: "x", c: null } },
      want: { a: { b: "x", d: 1 } },
    },
    { title: "makes objects without nulls", target: {}, patch: { a: { b: { c: null } } }, want: { a: { b: {} } } },
    { title: "replaces a list by an object", target: { a: [1] }, patch: { a: { b: 1 } }, want: { a: { b: 1 } } },
  ];
  for (const { title, target, patch: value, want } of cases) {
    it(title, () => assert.deepEqual(patch("merge", target, value), want));
  }

  it("sets a key __proto__ as any other", () => {
    const patched = applyPatch({}, { type: "merge", text: '{"__proto__":{"a":1}}' });
    assert.deepEqual(Object.keys(patched), ["__proto__"]);
    assert.equal(({} as { a?: number }).a, undefined);
  });
});

describe("a JSON patch", () => {
  const cases: { title: string; target: JsonObject; patch: Json; want: JsonObject }[] = [
    { title: "adds a field", target: { a: 1 }, patch: [{ op: "add", path: "/b", value: 2 }], want: { a: 1, b: 2 } },
    { title: "adds over a field", target: { a: 1 }, patch: [{ op: "add", path: "/a", value: [] }], want: { a: [] } },
    { title: "inserts an item", target: { a: [1, 3] }, patch: [{ op: "add", path: "/a/1", value: 2 }], want: { a: [1, 2, 3] } },
    { title: "appends an item", target: { a: [1] }, patch: [{ op: "add", path: "/a/-", value: 2 }], want: { a: [1, 2] } },
    { title: "removes a field", target: { a: 1, b: 2 }, patch: [{ op: "remove", path: "/a" }], want: { b: 2 } },
    { title: "removes an item", target: { a: [1, 2] }, patch: [{ op: "remove", path: "/a/0" }], want: { a: [2] } },
    {
      title: "replaces",
      target: { a: { b: 1 } },
      patch: [{ op: "replace", path: "/a/b", value: null }],
      want: { a: { b: null } },
    },
    { title: "moves", target: { a: { b: 1 } }, patch: [{ op: "move", from: "/a/b", path: "/c" }], want: { a: {}, c: 1 } },
    {
      title: "copies",
      target: { a: { b: 1 } },
      patch: [{ op: "copy", from: "/a", path: "/c" }],
      want: { a: { b: 1 }, c: { b: 1 } },
    },
    {
      title: "tests",
      target: { a: { b: 1, c: 2 } },
      patch: [{ op: "test", path: "/a", value: { c: 2, b: 1 } }],
      want: { a: { b: 1, c: 2 } },
    },
    {
      title: "reads ~1 and ~0 in paths",
      target: { labels: { "example.com/part": "x", "a~b": 1 } },
      patch: [
        { op: "replace", path: "/labels/example.com~1part", value: "y" },
        { op: "remove", path: "/labels/a~0b" },
      ],
      want: { labels: { "example.com/part": "y" } },
    },
    { title: "replaces the whole", target: { a: 1 }, patch: [{ op: "replace", path: "", value: { b: 2 } }], want: { b: 2 } },
  ];
  for (const { title, target, patch: value, want } of cases) {
    it(title, () => {
      const before = structuredClone(target);
      assert.deepEqual(patch("json", target, value), want);
      assert.deepEqual(target, before, "the target stays as it was");
    });
  }

  const refused: { title: string; patch: Json; want: RegExp }[] = [
    { title: "no list", patch: {}, want: /must be a list of operations/ },
    { title: "an unknown operation", patch: [{ op: "set", path: "/a" }], want: /operation 1 .*op must be one of add, remove/ },
    { title: "a path without /", patch: [{ op: "remove", path: "a" }], want: /the path "a" must begin with \// },
    { title: "an add without a value", patch: [{ op: "add", path: "/a" }], want: /add needs a value/ },
    { title: "a move without from", patch: [{ op: "move", path: "/a" }], want: /move needs from/ },
    {
      title: "a remove of nothing",
      patch: [{ op: "remove", path: "/x" }],
      want: /operation 1 of the json patch \(remove "\/x"\) does not apply: there is nothing/,
    },
    { title: "a replace of nothing", patch: [{ op: "replace", path: "/x", value: 1 }], want: /there is nothing at that path/ },
    { title: "an add below nothing", patch: [{ op: "add", path: "/x/y", value: 1 }], want: /there is nothing at that path/ },
    { title: "an index past the end", patch: [{ op: "add", path: "/list/3", value: 1 }], want: /the list there has 2 items/ },
    { title: "an index that is none", patch: [{ op: "add", path: "/list/01", value: 1 }], want: /"01" is not an index/ },
    {
      title: "a test that fails",
      patch: [{ op: "test", path: "/a", value: 2 }],
      want: /\(test "\/a"\) does not apply: the value there is another/,
    },
    { title: "a move into itself", patch: [{ op: "move", from: "/b", path: "/b/c/d" }], want: /can't be moved into itself/ },
    { title: "a patch that leaves no object", patch: [{ op: "replace", path: "", value: 1 }], want: /leaves no object/ },
    {
      title: "a path of prototypes",
      patch: [{ op: "add", path: "/constructor/prototype/a", value: 1 }],
      want: /there is nothing at that path/,
    },
    {
      title: "copies without end",
      patch: Array.from({ length: 40 }, (_, i) => ({ op: "copy", from: "/b", path: `/b/c${i}` })),
      want: /copies more than 50000 values|more than 64 levels deep/,
    },
    {
      title: "moves without end",
      patch: Array.from({ length: 100 }, (): Json[] => [
        { op: "move", from: "/b", path: "/x" },
        { op: "add", path: "/b", value: {} },
        { op: "move", from: "/x", path: "/b/x" },
      ]).flat(),
      want: /more than 64 levels deep/,
    },
  ];
  for (const { title, patch: value, want } of refused) {
    it(`is refused for ${title}`, () => {
      assert.throws(
        () => patch("json", { a: 1, b: { c: { d: 1 } }, list: [1, 2] }, value),
        (error) => isAppError(error, "invalid") && want.test(error.message),
      );
    });
  }
});

describe("a strategic patch", () => {
  const pod = (...containers: Json[]): JsonObject => ({ spec: { containers } });
  const cases: { title: string; target: JsonObject; patch: Json; want: JsonObject }[] = [
    {
      title: "merges containers by name",
      target: pod({ name: "a", image: "x", tty: true }, { name: "b" }),
      patch: pod({ name: "a", image: "y", tty: null }),
      want: pod({ name: "a", image: "y" }, { name: "b" }),
    },
    {
      title: "merges variables by name, in a container that it finds by name",
      target: pod({ name: "a", env: [{ name: "X", value: "1" }] }),
      patch: pod({
        name: "a",
        env: [
          { name: "Y", value: "2" },
          { name: "X", value: "3" },
        ],
      }),
      want: pod({
        name: "a",
        env: [
          { name: "X", value: "3" },
          { name: "Y", value: "2" },
        ],
      }),
    },
    {
      title: "tells ports apart by number and protocol",
      target: pod({
        name: "a",
        ports: [
          { containerPort: 53, protocol: "TCP" },
          { containerPort: 53, protocol: "UDP" },
        ],
      }),
      patch: pod({ name: "a", ports: [{ containerPort: 53, name: "dns" }] }),
      want: pod({
        name: "a",
        ports: [
          { containerPort: 53, protocol: "TCP", name: "dns" },
          { containerPort: 53, protocol: "UDP" },
        ],
      }),
    },
    {
      title: "replaces tolerations as one",
      target: { spec: { tolerations: [{ key: "a" }] } },
      patch: { spec: { tolerations: [{ key: "b" }] } },
      want: { spec: { tolerations: [{ key: "b" }] } },
    },
    {
      title: "merges taints by key and effect, and takes one out",
      target: {
        spec: {
          taints: [
            { key: "a", effect: "NoSchedule" },
            { key: "a", effect: "NoExecute" },
          ],
        },
      },
      patch: {
        spec: {
          taints: [
            { $patch: "delete", key: "a", effect: "NoExecute" },
            { key: "b", effect: "NoSchedule" },
          ],
        },
      },
      want: {
        spec: {
          taints: [
            { key: "a", effect: "NoSchedule" },
            { key: "b", effect: "NoSchedule" },
          ],
        },
      },
    },
    {
      title: "replaces a list that merges, where told so",
      target: { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } },
      patch: { spec: { taints: [{ $patch: "replace" }, { key: "b", effect: "NoExecute" }] } },
      want: { spec: { taints: [{ key: "b", effect: "NoExecute" }] } },
    },
    {
      title: "replaces an object, where told so",
      target: { metadata: { labels: { a: "1", b: "2" } } },
      patch: { metadata: { labels: { $patch: "replace", c: "3" } } },
      want: { metadata: { labels: { c: "3" } } },
    },
    {
      title: "takes finalizers out of their list",
      target: { metadata: { finalizers: ["example.com/a", "example.com/b"] } },
      patch: { metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"], finalizers: ["example.com/c"] } },
      want: { metadata: { finalizers: ["example.com/b", "example.com/c"] } },
    },
    {
      title: "orders a list",
      target: pod({ name: "a" }, { name: "side" }, { name: "b" }),
      patch: { spec: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] } },
      want: pod({ name: "b" }, { name: "a" }, { name: "side" }),
    },
    {
      title: "keeps only the fields that it is told to",
      target: { spec: { volumes: [{ name: "v", emptyDir: {} }] } },
      patch: { spec: { volumes: [{ name: "v", $retainKeys: ["name", "secret"], secret: { secretName: "s" } }] } },
      want: { spec: { volumes: [{ name: "v", secret: { secretName: "s" } }] } },
    },
    { title: "takes away what is null", target: { a: { b: 1 } }, patch: { a: { b: null } }, want: { a: {} } },
  ];
  for (const { title, target, patch: value, want } of cases) {
    it(title, () => {
      const before = structuredClone(target);
      assert.deepEqual(patch("", target, value), want);
      assert.deepEqual(target, before, "the target stays as it was");
    });
  }

  const refused: { title: string; patch: Json; want: RegExp }[] = [
    { title: "is a list", patch: [], want: /must be an object/ },
    { title: "has an item without its key", patch: pod({ image: "x" }), want: /spec\.containers: .*declared merge key: name/ },
    { title: "has an unknown directive", patch: { spec: { $patch: "merge-it" } }, want: /spec\.\$patch must be/ },
    { title: "has another unknown directive", patch: { "$foo/bar": [] }, want: /\$foo\/bar: unknown directive/ },
  ];
  for (const { title, patch: value, want } of refused) {
    it(`is refused where it ${title}`, () => {
      assert.throws(
        () => patch("strategic", pod({ name: "a" }), value),
        (error) => isAppError(error, "invalid") && want.test(error.message),
      );
    });
  }
});

describe("a large patch", () => {
  it("of many operations on many fields takes time by the number of both, not by their product", () => {
    const annotations = Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`k${i}`, "v"]));
    const operations = Array.from({ length: 1_000 }, (_, i) => ({ op: "replace", path: `/annotations/k${i}`, value: "x" }));
    const startMs = performance.now();
    const patched = patch("json", { annotations }, operations) as { annotations: Record<string, string> };
    assert.deepEqual([patched.annotations.k999, patched.annotations.k1000, annotations.k999], ["x", "v", "v"]);
    assert.ok(performance.now() - startMs < 2_000);
  });

  it("of long lists takes time by their length, not by the square of it", () => {
    const containers = Array.from({ length: 50_000 }, (_, i) => ({ name: `c${i}` }));
    const startMs = performance.now();
    const patched = patch("strategic", { spec: { containers } }, { spec: { containers } });
    assert.deepEqual(patched, { spec: { containers } });
    assert.ok(performance.now() - startMs < 2_000);
  });
});

describe("any patch", () => {
  it("of an unknown type is refused", () => {
    assert.throws(() => patch("yaml", {}, {}), /the patch type must be one of strategic, merge, json, not "yaml"/);
  });

  it("that is no JSON is refused", () => {
    assert.throws(() => applyPatch({}, { type: "merge", text: "{" }), /error decoding patch: /);
  });

  it("that is nested without end is refused", () => {
    const text = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
    for (const type of ["strategic", "merge", "json"]) {
      assert.throws(() => applyPatch({}, { type, text }), /nested in more than 64 levels/);
    }
  });

  const target: JsonObject = {
    metadata: { name: "web", labels: { app: "web" }, finalizers: ["a/b"] },
    spec: { containers: [{ name: "a", env: [{ name: "X" }] }], list: [1, [2]] },
  };
  const part = fc.constantFrom(
    "metadata",
    "labels",
    "app",
    "spec",
    "containers",
    "env",
    "list",
    "name",
    "0",
    "1",
    "-",
    "$patch",
    "__proto__",
    "finalizers",
  );
  const pointer = fc.array(part, { maxLength: 5 }).map((parts) => parts.map((name) => `/${name}`).join(""));
  const operation = fc.record(
    {
      op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "x"),
      path: pointer,
      from: pointer,
      value: fc.jsonValue(),
    },
    { requiredKeys: ["op", "path"] },
  );
  const tree = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<Json>("a", "replace", "delete", null, 1, true),
      fc.array(tie("value"), { maxLength: 3 }),
      tie("object"),
    ),
    object: fc.dictionary(part, tie("value"), { maxKeys: 4 }),
  })).object;

  it("throws nothing but an AppError, and never changes its target", () => {
    const before = structuredClone(target);
    const survives = (type: string, text: string) => {
      try {
        applyPatch(target, { type, text });
      } catch (error) {
        assert.ok(isAppError(error, "invalid"), String(error));
      }
      assert.deepEqual(target, before);
    };
    fc.assert(fc.property(fc.array(operation, { maxLength: 6 }), (operations) => survives("json", JSON.stringify(operations))));
    fc.assert(fc.property(fc.constantFrom("strategic", "merge"), tree, (type, value) => survives(type, JSON.stringify(value))));
    fc.assert(fc.property(fc.constantFrom("strategic", "merge", "json"), fc.string(), survives));
  });

  it("that is a merge patch does the same twice as once", () => {
    fc.assert(
      fc.property(tree, (value) => {
        const once = patch("merge", target, value as Json);
        assert.deepEqual(patch("merge", once, value as Json), once);
      }),
    );
  });
});
