import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { jsonEqual, own, setOwn } from "#core/json.ts";

describe("JSON", () => {
  it("is equal whatever the order of keys, and only then", () => {
    assert.ok(jsonEqual({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 }));
    assert.ok(!jsonEqual({ a: undefined }, { b: undefined }));
    assert.ok(!jsonEqual([], {}));
    assert.ok(!jsonEqual({}, []));
    assert.ok(!jsonEqual(null, {}));
    assert.ok(!jsonEqual({ constructor: 1 }, { other: 1 }));
  });

  it("is equal where Node says so", () => {
    const small = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(0, 1, "a", "", true, false, null),
        fc.array(tie("value"), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom("a", "b", "__proto__"), tie("value"), { noNullPrototype: true }),
      ),
    })).value;
    fc.assert(
      fc.property(small, small, (a, b) => assert.equal(jsonEqual(a, b), isDeepStrictEqual(a, b))),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.jsonValue(), (a) => assert.ok(jsonEqual(a, structuredClone(a)))));
  });

  it("has no keys but its own", () => {
    const object: Record<string, number> = {};
    assert.equal(own(object, "constructor"), undefined);
    assert.equal(own(object, "__proto__"), undefined);
    setOwn(object, "__proto__", 1);
    assert.equal(own(object, "__proto__"), 1);
    assert.equal(Object.getPrototypeOf(object), Object.prototype);
  });
});
