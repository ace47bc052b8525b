import assert from "node:assert/strict";
import fc from "fast-check";
import { createSortedMap } from "../../../control-plane/store/sorted-map.ts";

const key = fc
  .tuple(fc.constantFrom("a/", "ab/", "b/", ""), fc.integer({ min: 0, max: 40 }))
  .map(([prefix, n]) => `${prefix}${n}`);
const prefix = fc.constantFrom("", "a", "a/", "ab/", "b/1", "c/");
const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key, value: fc.integer() }),
  fc.record({ do: fc.constant("delete" as const), key }),
  fc.record({ do: fc.constant("list" as const), prefix }),
);

describe("a sorted map", () => {
  it("lists what a prefix has in order, whatever came and went, and never changes a list that it gave", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const map = createSortedMap<number>();
        const model = new Map<string, number>();
        const given: { readonly list: readonly number[]; readonly copy: readonly number[] }[] = [];
        for (const each of steps) {
          if (each.do === "set") {
            map.set(each.key, each.value);
            model.set(each.key, each.value);
          } else if (each.do === "delete") {
            map.delete(each.key);
            model.delete(each.key);
          } else {
            const list = map.withPrefix(each.prefix);
            const keys = [...model.keys()].filter((known) => known.startsWith(each.prefix)).sort();
            assert.deepEqual(
              list,
              keys.map((known) => model.get(known)),
            );
            given.push({ list, copy: [...list] });
          }
          assert.equal(map.size, model.size);
        }
        for (const { list, copy } of given) assert.deepEqual(list, copy);
      }),
    );
  });

  it("gives the same list for as long as nothing in it changes", () => {
    const map = createSortedMap<number>();
    map.set("a/1", 1);
    map.set("b/1", 1);
    const list = map.withPrefix("a/");
    map.set("b/2", 2);
    assert.equal(map.withPrefix("a/"), list);
    map.set("a/2", 2);
    assert.notEqual(map.withPrefix("a/"), list);
    assert.deepEqual(list, [1]);
  });

  it("keeps a few of the lists only", () => {
    const map = createSortedMap<number>();
    map.set("a", 1);
    const list = map.withPrefix("");
    for (let i = 0; i < 100; i++) map.withPrefix(`prefix-${i}`);
    assert.notEqual(map.withPrefix(""), list);
    assert.deepEqual(map.withPrefix(""), list);
  });
});
