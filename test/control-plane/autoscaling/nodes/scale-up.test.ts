/* By the Cluster Autoscaler's FAQ: "How does scale-up work?", "What are Expanders?". */

import assert from "node:assert/strict";
import { planScaleUp, type ScaleUpQuestion } from "../../../../control-plane/autoscaling/nodes/scale-up.ts";
import { groupOf, nodeOf, podOf } from "./node-facts.ts";

const many = (count: number, facts = {}) => Array.from({ length: count }, (_, i) => podOf(`web-${i}`, facts));

function decide(question: ScaleUpQuestion) {
  const { growth, refused } = planScaleUp(question);
  return {
    grows: growth === undefined ? undefined : `${growth.group.name}+${growth.add}`,
    pods: growth?.pods.length ?? 0,
    refused: [...new Set(refused.map(({ message }) => message))],
  };
}

describe("a node group grows", () => {
  const full = nodeOf("node-1");
  const standing = many(2, { node: "node-1" }).map(
    (pod) => ({ ...pod, metadata: { ...pod.metadata, uid: `old-${pod.metadata?.uid}` } }) as typeof pod,
  );

  it("by as many nodes as the pods need", () =>
    assert.deepEqual(decide({ groups: [groupOf([full])], nodes: [full], pods: [...standing, ...many(5)] }), {
      grows: "default+3",
      pods: 5,
      refused: [],
    }));

  it("not where no pod waits", () =>
    assert.deepEqual(decide({ groups: [groupOf([full])], nodes: [full], pods: standing }), {
      grows: undefined,
      pods: 0,
      refused: [],
    }));

  it("not for pods that a node takes by now", () => {
    const free = nodeOf("node-2");
    assert.equal(
      decide({ groups: [groupOf([full, free])], nodes: [full, free], pods: [...standing, ...many(2)] }).grows,
      undefined,
    );
  });

  it("not for pods that nodes will take that are on their way", () =>
    assert.equal(
      decide({ groups: [groupOf([full], { target: 3 })], nodes: [full], pods: [...standing, ...many(4)] }).grows,
      undefined,
    ));

  it("by what is missing beside those on their way", () =>
    assert.equal(
      decide({ groups: [groupOf([full], { target: 2 })], nodes: [full], pods: [...standing, ...many(4)] }).grows,
      "default+1",
    ));

  it("up to its most, and says so of the others", () =>
    assert.deepEqual(decide({ groups: [groupOf([full], { max: 2 })], nodes: [full], pods: [...standing, ...many(5)] }), {
      grows: "default+1",
      pods: 2,
      refused: ["pod didn't trigger scale-up: 1 max node group size reached"],
    }));

  it("not for a pod that is too large for its nodes", () =>
    assert.deepEqual(decide({ groups: [groupOf([full])], nodes: [full], pods: [...standing, podOf("huge", { cpu: "2" })] }), {
      grows: undefined,
      pods: 0,
      refused: ["pod didn't trigger scale-up: 1 Insufficient cpu"],
    }));

  it("not for a pod that wants another kind of node", () => {
    const picky = podOf("picky", { spec: { nodeSelector: { disk: "ssd" } } });
    assert.deepEqual(decide({ groups: [groupOf([full])], nodes: [full], pods: [...standing, picky] }).refused, [
      "pod didn't trigger scale-up: 1 node(s) didn't match Pod's node affinity/selector",
    ]);
  });

  it("not for pods of DaemonSets, which new nodes have, too", () => {
    const daemons = many(1, { owner: "DaemonSet" });
    assert.equal(decide({ groups: [groupOf([full])], nodes: [full], pods: [...standing, ...daemons] }).grows, undefined);
    const daemon = podOf("daemon", { owner: "DaemonSet", node: "node-1", cpu: "300m" });
    // 700m are left of a new node: one of 400m.
    assert.equal(
      decide({ groups: [groupOf([full])], nodes: [full], pods: [...standing, daemon, ...many(2)] }).grows,
      "default+2",
    );
  });

  it("that wastes the least", () => {
    const large = nodeOf("node-9", { group: "large", allocatable: { cpu: "8", memory: "8Gi", pods: "10" } });
    const busy = podOf("busy", { node: "node-9", cpu: "8" });
    const groups = [groupOf([full, large], { name: "large", target: 1 }), groupOf([full, large], { target: 1 })];
    assert.equal(decide({ groups, nodes: [full, large], pods: [...standing, busy, ...many(2)] }).grows, "default+1");
    assert.equal(
      decide({ groups, nodes: [full, large], pods: [...standing, busy, podOf("huge", { cpu: "7" })] }).grows,
      "large+1",
    );
  });

  it("from nothing, like the nodes of others", () => {
    const groups = [groupOf([full], { name: "spare", min: 0, target: 0 })];
    assert.equal(decide({ groups, nodes: [full], pods: [...standing, ...many(2)] }).grows, "spare+1");
  });
});
