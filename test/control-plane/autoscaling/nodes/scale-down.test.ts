/* By the Cluster Autoscaler's FAQ: "How does scale-down work?", "What types of pods can prevent CA from removing a node?" */

import assert from "node:assert/strict";
import { podDisruptionBudgetKind } from "#core/objects/pod-disruption-budget.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import { planScaleDown, type ScaleDownQuestion } from "../../../../control-plane/autoscaling/nodes/scale-down.ts";
import { groupOf, nodeOf, podOf } from "./node-facts.ts";

const nowMs = 1_000_000;
const unneededMs = 600_000;

function question(nodes: readonly Node[], pods: readonly Pod[], more: Partial<ScaleDownQuestion> = {}): ScaleDownQuestion {
  return { groups: [groupOf(nodes)], nodes, pods, budgets: [], unneededSinceMs: new Map(), nowMs, unneededMs, ...more };
}

const since = (ms: number, ...names: readonly string[]) => ({
  unneededSinceMs: new Map(names.map((name) => [name, nowMs - ms])),
});

function decide(asked: ScaleDownQuestion) {
  const { remove, unneededSinceMs, blocked } = planScaleDown(asked);
  return {
    remove: remove.map(({ node }) => node.metadata?.name),
    unneeded: [...unneededSinceMs.keys()],
    blocked: Object.fromEntries(blocked),
  };
}

describe("a node can be done without", () => {
  const three = ["node-1", "node-2", "node-3"].map((name) => nodeOf(name));

  it("once less than half of it was asked for, for ten minutes", () => {
    const pods = [podOf("a", { node: "node-1", cpu: "600m" }), podOf("b", { node: "node-2", cpu: "600m" })];
    assert.deepEqual(decide(question(three, pods)), { remove: [], unneeded: ["node-3"], blocked: {} });
    assert.deepEqual(decide(question(three, pods, since(unneededMs - 1, "node-3"))).remove, []);
    assert.deepEqual(decide(question(three, pods, since(unneededMs, "node-3"))).remove, ["node-3"]);
  });

  it("not where half of it is asked for", () =>
    assert.deepEqual(
      decide(
        question(
          three,
          three.map((_, i) => podOf(`p${i}`, { node: `node-${i + 1}`, cpu: "500m" })),
        ),
      ).unneeded,
      [],
    ));

  it("and empty ones go together, the newest first, down to the group's least", () => {
    const all = since(unneededMs, "node-1", "node-2", "node-3");
    assert.deepEqual(decide(question(three, [], all)).remove, ["node-3", "node-2"]);
    assert.deepEqual(decide(question(three, [], { ...all, groups: [groupOf(three, { min: 3 })] })).remove, []);
  });

  it("one at a time where it has pods", () => {
    const pods = three.map((_, i) => podOf(`p${i}`, { node: `node-${i + 1}`, cpu: "200m" }));
    assert.deepEqual(decide(question(three, pods, since(unneededMs, "node-1", "node-2", "node-3"))).remove, ["node-3"]);
  });

  it("not while another is being removed", () => {
    const leaving = nodeOf("node-4", { taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] });
    assert.deepEqual(decide(question([...three, leaving], [], since(unneededMs, "node-3"))).remove, []);
  });

  it("not where its agent is silent", () => {
    const nodes = [nodeOf("node-1"), nodeOf("node-2", { ready: "Unknown" })];
    assert.deepEqual(decide(question(nodes, [])).unneeded, ["node-1"]);
  });

  const own = (facts: Parameters<typeof podOf>[1]) => podOf("own", { node: "node-3", cpu: "200m", ...facts });
  const budget = (disruptionsAllowed: number) => ({
    budgets: [
      podDisruptionBudgetKind.fromJson({
        metadata: { name: "web", namespace: "default" },
        spec: { selector: { matchLabels: { app: "web" } } },
        status: { disruptionsAllowed },
      }),
    ],
  });
  const app = { labels: { app: "web" } };
  const stays: readonly {
    readonly title: string;
    readonly pod: Pod;
    readonly more?: Partial<ScaleDownQuestion>;
    readonly why: string | undefined;
  }[] = [
    { title: "a pod of a controller", pod: own({}), why: undefined },
    { title: "a pod of a DaemonSet", pod: own({ owner: "DaemonSet" }), why: undefined },
    { title: "a pod of nobody", pod: own({ owner: null }), why: "has no controller that would make it anew" },
    {
      title: "a pod of nobody that is safe to evict",
      pod: own({ owner: null, annotations: { "cluster-autoscaler.kubernetes.io/safe-to-evict": "true" } }),
      why: undefined,
    },
    {
      title: "a pod that is not safe to evict",
      pod: own({ annotations: { "cluster-autoscaler.kubernetes.io/safe-to-evict": "false" } }),
      why: 'has the annotation cluster-autoscaler.kubernetes.io/safe-to-evict: "false"',
    },
    {
      title: "a pod with local storage",
      pod: own({ spec: { volumes: [{ name: "x", emptyDir: {} }] } }),
      why: "has local storage",
    },
    {
      title: "a pod of kube-system",
      pod: own({ namespace: "kube-system" }),
      why: "is of kube-system and has no PodDisruptionBudget",
    },
    { title: "a pod whose budget is used up", pod: own(app), more: budget(0), why: "is protected by a PodDisruptionBudget" },
    { title: "a pod whose budget allows it", pod: own(app), more: budget(1), why: undefined },
    {
      title: "a pod that fits nowhere else",
      pod: own({ spec: { nodeSelector: { disk: "ssd" } } }),
      why: "would find no place elsewhere",
    },
  ];
  for (const { title, pod, more, why } of stays) {
    it(`${why === undefined ? "though" : "not where"} there is ${title}`, () => {
      const busy = ["node-1", "node-2"].map((node) => podOf(`busy-${node}`, { node, cpu: "600m" }));
      const { blocked, unneeded } = decide(question(three, [...busy, pod], more));
      assert.deepEqual(unneeded, why === undefined ? ["node-3"] : []);
      const { namespace, name } = pod.metadata ?? {};
      assert.deepEqual(blocked, why === undefined ? {} : { "node-3": `pod ${namespace}/${name} ${why}` });
    });
  }

  it("not where an annotation of the node forbids it", () => {
    const kept = nodeOf("node-3", { annotations: { "cluster-autoscaler.kubernetes.io/scale-down-disabled": "true" } });
    assert.deepEqual(Object.keys(decide(question([nodeOf("node-1"), kept], [])).blocked), ["node-3"]);
  });
});
