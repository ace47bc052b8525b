import assert from "node:assert/strict";
import fc from "fast-check";
import { isJsonObject, type Json, type JsonObject, own } from "#core/json.ts";
import { threeWayMerge } from "#core/merge.ts";

const containers = (...items: Json[]): JsonObject => ({ spec: { containers: items } });

describe("apply's merge", () => {
  const cases: { title: string; original?: JsonObject; modified: JsonObject; current: JsonObject; want: JsonObject }[] = [
    { title: "sets what is new", modified: { a: 1, b: { c: 2 } }, current: { b: { d: 3 } }, want: { b: { d: 3, c: 2 }, a: 1 } },
    {
      title: "takes out what the user took out",
      original: { a: 1, b: 2 },
      modified: { b: 2 },
      current: { a: 1, b: 2, c: 3 },
      want: { b: 2, c: 3 },
    },
    { title: "takes out nothing the first time", modified: {}, current: { a: 1 }, want: { a: 1 } },
    { title: "takes out what is null", modified: { a: null, b: { c: null, d: 1 } }, current: { a: 1 }, want: { b: { d: 1 } } },
    {
      title: "sets back what somebody else changed",
      original: { labels: { app: "web" } },
      modified: { labels: { app: "web" } },
      current: { labels: { app: "db", by: "them" } },
      want: { labels: { app: "web", by: "them" } },
    },
    {
      title: "replaces a value of another type",
      modified: { a: { b: 1 }, c: 2 },
      current: { a: [1], c: { d: 1 } },
      want: { a: { b: 1 }, c: 2 },
    },
    {
      title: "replaces lists of plain values",
      original: { command: ["a"] },
      modified: { command: ["a", "b"] },
      current: { command: ["a", "x"] },
      want: { command: ["a", "b"] },
    },
    {
      title: "merges containers by name and keeps their defaults",
      original: containers({ name: "a", image: "x" }),
      modified: containers({ name: "a", image: "y" }),
      current: containers({ name: "a", image: "x", imagePullPolicy: "Always" }),
      want: containers({ name: "a", image: "y", imagePullPolicy: "Always" }),
    },
    {
      title: "keeps a container that somebody put in, where it stood",
      original: containers({ name: "a" }, { name: "b" }),
      modified: containers({ name: "a" }, { name: "b" }),
      current: containers({ name: "first" }, { name: "a" }, { name: "side" }, { name: "b" }),
      want: containers({ name: "first" }, { name: "a" }, { name: "side" }, { name: "b" }),
    },
    {
      title: "takes out a container that the user took out, and adds another",
      original: containers({ name: "a" }, { name: "b" }),
      modified: containers({ name: "b" }, { name: "c" }),
      current: containers({ name: "a" }, { name: "b", image: "x" }),
      want: containers({ name: "b", image: "x" }, { name: "c" }),
    },
    {
      title: "follows the user's order",
      modified: containers({ name: "b" }, { name: "a" }),
      current: containers({ name: "a", image: "1" }, { name: "b", image: "2" }),
      want: containers({ name: "b", image: "2" }, { name: "a", image: "1" }),
    },
    {
      title: "tells ports apart by number and protocol, TCP where none is named",
      modified: containers({ name: "a", ports: [{ containerPort: 53 }, { containerPort: 53, protocol: "UDP", name: "dns" }] }),
      current: containers({
        name: "a",
        ports: [
          { containerPort: 53, protocol: "TCP" },
          { containerPort: 53, protocol: "UDP" },
        ],
      }),
      want: containers({
        name: "a",
        ports: [
          { containerPort: 53, protocol: "TCP" },
          { containerPort: 53, protocol: "UDP", name: "dns" },
        ],
      }),
    },
    {
      title: "merges variables by name",
      original: containers({ name: "a", env: [{ name: "A", value: "1" }, { name: "B" }] }),
      modified: containers({ name: "a", env: [{ name: "A", value: "2" }] }),
      current: containers({ name: "a", env: [{ name: "A", value: "1" }, { name: "B" }, { name: "C", value: "3" }] }),
      want: containers({
        name: "a",
        env: [
          { name: "A", value: "2" },
          { name: "C", value: "3" },
        ],
      }),
    },
    {
      title: "merges taints by key and effect, and finalizers by themselves",
      original: { metadata: { finalizers: ["a/1", "a/2"] } },
      modified: { metadata: { finalizers: ["a/1"] }, spec: { taints: [{ key: "k", effect: "NoSchedule", value: "v" }] } },
      current: {
        metadata: { finalizers: ["a/1", "a/2", "b/1"] },
        spec: {
          taints: [
            { key: "k", effect: "NoExecute" },
            { key: "k", effect: "NoSchedule" },
          ],
        },
      },
      want: {
        metadata: { finalizers: ["a/1", "b/1"] },
        spec: {
          taints: [
            { key: "k", effect: "NoExecute" },
            { key: "k", effect: "NoSchedule", value: "v" },
          ],
        },
      },
    },
    {
      title: "replaces a list whose items cannot be told apart",
      modified: containers({ name: "a" }, { name: "a" }),
      current: containers({ name: "a", image: "x" }),
      want: containers({ name: "a" }, { name: "a" }),
    },
    {
      title: "knows only own keys",
      original: JSON.parse('{"__proto__":{"a":1}}'),
      modified: JSON.parse('{"constructor":{"x":1}}'),
      current: JSON.parse('{"__proto__":{"a":1},"toString":"x"}'),
      want: JSON.parse('{"toString":"x","constructor":{"x":1}}'),
    },
  ];
  for (const { title, want, ...input } of cases) it(title, () => assert.deepEqual(threeWayMerge(input), want));

  const word = fc.constantFrom("a", "b", "c", "name", "__proto__");
  const name = fc.constantFrom("x", "y", "z");
  const { tree } = fc.letrec<{ tree: Json; object: JsonObject; keyed: Json }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.integer({ max: 3 }),
      fc.boolean(),
      tie("object"),
      tie("keyed"),
      fc.array(fc.integer({ max: 3 })),
    ),
    object: fc.dictionary(fc.oneof(word, fc.constant("containers")), tie("tree"), { noNullPrototype: true, maxKeys: 3 }),
    keyed: fc
      .uniqueArray(fc.tuple(name, tie("object")), { selector: ([id]) => id, maxLength: 3 })
      .map((items) => items.map(([id, item]) => ({ ...item, name: id }))),
  }));
  const object = fc.dictionary(fc.oneof(word, fc.constant("containers")), tree, { noNullPrototype: true, maxKeys: 4 });

  it("changes nothing where nothing changed", () => {
    fc.assert(
      fc.property(object, (same) => assert.deepEqual(threeWayMerge({ original: same, modified: same, current: same }), same)),
    );
  });

  it("gives all that the user says", () => {
    fc.assert(
      fc.property(object, object, object, (original, modified, current) => {
        assertSays(threeWayMerge({ original, modified, current }), modified);
      }),
    );
  });

  it("keeps every field that only others set", () => {
    fc.assert(
      fc.property(object, object, object, (original, modified, current) => {
        const merged = threeWayMerge({ original, modified, current });
        for (const [key, value] of Object.entries(current)) {
          if (!Object.hasOwn(original, key) && !Object.hasOwn(modified, key)) assert.deepEqual(own(merged, key), value);
        }
        for (const key of Object.keys(merged)) assert.ok(Object.hasOwn(modified, key) || Object.hasOwn(current, key), key);
      }),
    );
  });

  it("drops every field that the user said before and says no more", () => {
    fc.assert(
      fc.property(object, object, object, (original, modified, current) => {
        const merged = threeWayMerge({ original, modified, current });
        for (const key of Object.keys(original)) {
          if (!Object.hasOwn(modified, key)) assert.ok(!Object.hasOwn(merged, key), key);
        }
      }),
    );
  });

  it("changes nothing the second time, and none of what it was given", () => {
    fc.assert(
      fc.property(object, object, object, (original, modified, current) => {
        const before = structuredClone({ original, modified, current });
        const merged = threeWayMerge({ original, modified, current });
        assert.deepEqual(threeWayMerge({ original: modified, modified, current: merged }), merged);
        assert.deepEqual({ original, modified, current }, before);
      }),
    );
  });
});

/** That `merged` says all that `said` says; lists by name may hold more. */
function assertSays(merged: Json | undefined, said: Json): void {
  if (isJsonObject(said)) {
    assert.ok(isJsonObject(merged));
    for (const [key, value] of Object.entries(said)) {
      const found = own(merged, key);
      if (key === "containers" && Array.isArray(value) && Array.isArray(found)) assertSaysByName(found, value);
      else assertSays(found, value);
    }
  } else if (Array.isArray(said) && Array.isArray(merged)) {
    assert.equal(merged.length, said.length);
    for (const [i, item] of said.entries()) assertSays(merged[i], item);
  } else {
    assert.deepEqual(merged, said);
  }
}

function assertSaysByName(merged: readonly Json[], said: readonly Json[]): void {
  const nameOf = (item: Json) => (isJsonObject(item) ? item.name : item);
  const named = merged.filter((item) => said.some((other) => nameOf(other) === nameOf(item)));
  assertSays(named, said);
}
