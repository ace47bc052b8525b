import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCidr, subnetAt, subnetCount } from "#core/cidr.ts";
import { choosePodCidr } from "../../../control-plane/ipam/pod-cidrs.ts";

const range = parseCidr("10.244.0.0/21");
const prefix = 24;
const count = subnetCount(range, prefix);

const indexes = fc.uniqueArray(fc.nat(count - 1));
const questions = fc.record({ taken: indexes, lastIndex: fc.integer({ min: -1, max: count - 1 }) });

describe("the choice of a pod CIDR", () => {
  it("is never a taken block, and there is one while a block is free", () => {
    fc.assert(
      fc.property(questions, ({ taken, lastIndex }) => {
        const chosen = choosePodCidr({ range, prefix, taken: new Set(taken), lastIndex });
        if (taken.length === count) return assert.equal(chosen, undefined);
        assert.ok(chosen !== undefined && chosen >= 0 && chosen < count);
        assert.ok(!taken.includes(chosen));
      }),
    );
  });

  it("is the first free block behind the last one granted, around the end of the range", () => {
    fc.assert(
      fc.property(questions, ({ taken, lastIndex }) => {
        const chosen = choosePodCidr({ range, prefix, taken: new Set(taken), lastIndex });
        const after = Array.from({ length: count }, (_, i) => (lastIndex + 1 + i) % count);
        assert.equal(
          chosen,
          after.find((index) => !taken.includes(index)),
        );
      }),
    );
  });

  it("is the preferred block where that is free, else as if none were preferred", () => {
    fc.assert(
      fc.property(questions, fc.nat(count - 1), ({ taken, lastIndex }, preferred) => {
        const question = { range, prefix, taken: new Set(taken), lastIndex };
        const chosen = choosePodCidr({ ...question, preferred: subnetAt(range, prefix, preferred) });
        assert.equal(chosen, taken.includes(preferred) ? choosePodCidr(question) : preferred);
      }),
    );
  });

  it("uses a freed block again only when all others had their turn", () => {
    const taken = new Set<number>();
    let lastIndex = -1;
    const grant = () => {
      const index = choosePodCidr({ range, prefix, taken, lastIndex });
      assert.ok(index !== undefined);
      taken.add(index);
      lastIndex = index;
      return index;
    };
    assert.deepEqual([grant(), grant()], [0, 1]);
    taken.delete(0);
    assert.deepEqual([grant(), grant(), grant(), grant(), grant(), grant()], [2, 3, 4, 5, 6, 7]);
    assert.equal(grant(), 0);
  });

  for (const { title, preferred } of [
    { title: "outside of the range", preferred: "10.250.0.0/24" },
    { title: "of another length", preferred: "10.244.0.0/23" },
  ]) {
    it(`takes no notice of a preferred block ${title}`, () => {
      assert.equal(choosePodCidr({ range, prefix, taken: new Set(), lastIndex: 3, preferred: parseCidr(preferred) }), 4);
    });
  }
});
