import assert from "node:assert/strict";
import { findKind, keyOf, kinds } from "#core/objects/kinds.ts";
import { schema } from "#core/objects/schema.gen.ts";

describe("the kinds", () => {
  for (const word of ["Pod", "pod", "pods", "po", "POD"]) {
    it(`are found by "${word}"`, () => assert.equal(findKind(word)?.kind, "Pod"));
  }

  it("are not found by what is none", () => {
    for (const word of ["", "podss", "constructor"]) assert.equal(findKind(word), undefined);
  });

  it("share no name, and each is in the checker's table", () => {
    const words = kinds.flatMap(({ kind, plural, singular, shortNames }) => [kind, plural, ...shortNames, `${singular}*`]);
    assert.equal(new Set(words).size, words.length);
    for (const { kind } of kinds) assert.ok(Object.hasOwn(schema, kind), kind);
  });

  it("have keys that tell namespaces apart", () => {
    const [pod, node] = [findKind("Pod"), findKind("Node")];
    assert.ok(pod !== undefined && node !== undefined);
    assert.equal(keyOf(pod, "default", "web"), "pods/default/web");
    assert.equal(keyOf(node, undefined, "node-1"), "nodes/node-1");
  });

  for (const kind of kinds) {
    it(`wrap a ${kind.kind} in the case of its own name`, () => {
      const object = kind.fromJson({ apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: "a" } });
      assert.equal(kind.wrap(object).object?.$case, `${kind.kind.slice(0, 1).toLowerCase()}${kind.kind.slice(1)}`);
      assert.deepEqual(kind.toJson(object), { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: "a" } });
    });
  }
});
