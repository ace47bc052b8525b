import assert from "node:assert/strict";
import fc from "fast-check";
import { createHeap } from "#core/heap.ts";

describe("a heap", () => {
  it("has the smallest first, whatever comes and goes", () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant("pop" as const) }),
      fc.record({ do: fc.constant("replaceFirst" as const), value: fc.integer() }),
    );
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.array(command), (given, commands) => {
        const heap = createHeap([...given], (a, b) => a < b);
        const model = [...given].sort((a, b) => a - b);
        for (const step of commands) {
          if (step.do === "pop") assert.equal(heap.pop(), model.shift());
          else if (model.length > 0) {
            heap.replaceFirst(step.value);
            model[0] = step.value;
          }
          model.sort((a, b) => a - b);
          assert.deepEqual([heap.size, heap.first], [model.length, model[0]]);
        }
        const rest = Array.from({ length: heap.size }, () => heap.pop());
        assert.deepEqual([rest, heap.pop()], [model, undefined]);
      }),
    );
  });
});
