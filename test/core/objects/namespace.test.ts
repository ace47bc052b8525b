import assert from "node:assert/strict";
import { namespaceKind } from "#core/objects/namespace.ts";

describe("a namespace", () => {
  it("carries its name as a label, so that selectors can pick it", () => {
    const namespace = namespaceKind.withDefaults(namespaceKind.fromJson({ metadata: { name: "blue", labels: { a: "b" } } }));
    assert.deepEqual(namespace.metadata?.labels, { a: "b", "kubernetes.io/metadata.name": "blue" });
    assert.deepEqual(namespaceKind.validate(namespace), []);
  });

  for (const name of ["", "a.b", "Blue", "-a", "a".repeat(64)]) {
    it(`cannot be named "${name}"`, () => {
      const namespace = namespaceKind.withDefaults(namespaceKind.fromJson({ metadata: { name } }));
      assert.ok(namespaceKind.validate(namespace).some(({ path }) => path === "metadata.name"));
    });
  }

  it("cannot lie in a namespace", () => {
    const namespace = namespaceKind.fromJson({ metadata: { name: "blue", namespace: "red" } });
    assert.deepEqual(namespaceKind.validate(namespace), [
      { path: "metadata.namespace", message: "Forbidden: not allowed on this type" },
    ]);
  });
});
