import assert from "node:assert/strict";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { inDeletionOrder } from "../../../control-plane/workloads/deletion-order.ts";
import { runningPod } from "../../support/workload-objects.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

describe("the order in which pods go", () => {
  const cases: { title: string; first: Pod; next: Pod; related?: Pod[] }[] = [
    { title: "unbound before bound", first: runningPod("a", { node: "" }), next: runningPod("b") },
    { title: "pending before running", first: runningPod("a", { phase: "Pending", ready: false }), next: runningPod("b") },
    { title: "unready before ready", first: runningPod("a", { ready: false }), next: runningPod("b") },
    { title: "cheap before dear", first: runningPod("a", { cost: -5 }), next: runningPod("b") },
    {
      title: "one of two on a node before one alone",
      first: runningPod("a", { node: "node-2" }),
      next: runningPod("b"),
      related: [runningPod("c", { node: "node-2" })],
    },
    {
      title: "shortly ready before long ready",
      first: runningPod("a", { readySince: at(9) }),
      next: runningPod("b", { readySince: at(2) }),
    },
    { title: "often restarted before steady", first: runningPod("a", { restarts: 3 }), next: runningPod("b") },
    { title: "young before old", first: runningPod("a", { created: at(9) }), next: runningPod("b", { created: at(2) }) },
  ];
  for (const { title, first, next, related = [] } of cases) {
    it(`is ${title}`, () => {
      for (const pods of [
        [first, next],
        [next, first],
      ]) {
        assert.equal(inDeletionOrder({ pods, related: [...pods, ...related] })[0], first);
      }
    });
  }

  it("looks at the node before it looks at readiness", () => {
    const unbound = runningPod("a", { node: "", created: at(1) });
    const unready = runningPod("b", { ready: false, created: at(9) });
    const pods = [unready, unbound, runningPod("c")];
    assert.deepEqual(
      inDeletionOrder({ pods, related: pods }).map(({ metadata }) => metadata?.name),
      ["a", "b", "c"],
    );
  });
});
