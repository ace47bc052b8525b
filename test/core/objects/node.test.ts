import assert from "node:assert/strict";
import { nodeKind } from "#core/objects/node.ts";
import { formatProblem } from "#core/objects/problem.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";

function nodeOf(spec: object, name = "node-1"): Node {
  return nodeKind.withDefaults(nodeKind.fromJson({ metadata: { name }, spec }));
}

describe("a node", () => {
  const pairs = [
    { spec: { podCIDR: "10.244.1.0/24" }, title: "podCIDRs from podCIDR" },
    { spec: { podCIDRs: ["10.244.1.0/24"] }, title: "podCIDR from podCIDRs" },
  ];
  for (const { spec, title } of pairs) {
    it(`gets its ${title}`, () => {
      const node = nodeOf(spec);
      assert.deepEqual(nodeKind.toJson(node), {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "node-1" },
        spec: { podCIDR: "10.244.1.0/24", podCIDRs: ["10.244.1.0/24"] },
      });
      assert.deepEqual(nodeKind.validate(node), []);
    });
  }

  it("needs no spec at all", () => {
    const node = nodeKind.withDefaults(nodeKind.fromJson({ metadata: { name: "node-1" } }));
    assert.deepEqual(nodeKind.validate(node), []);
    assert.equal(node.spec?.podCIDR, undefined);
  });

  const refused: { title: string; spec: object; want: string[] }[] = [
    {
      title: "a block with host bits",
      spec: { podCIDR: "10.244.1.1/24" },
      want: ['spec.podCIDRs[0]: Invalid value: "10.244.1.1/24": "10.244.1.1/24" has host bits set: did you mean 10.244.1.0/24?'],
    },
    {
      title: "two blocks, of which another is the first",
      spec: { podCIDR: "10.244.2.0/24", podCIDRs: ["10.244.1.0/24", "10.244.2.0/24"] },
      want: [
        'spec.podCIDR: Invalid value: "10.244.2.0/24": must be the first of spec.podCIDRs',
        "spec.podCIDRs: Invalid value: […]: may hold no more than one IPv4 CIDR",
      ],
    },
    {
      title: "taints that are none",
      spec: {
        taints: [
          { key: "a", effect: "NoSchedule" },
          { key: "a", value: "b", effect: "NoSchedule" },
          { effect: "Never" },
          { key: "a" },
        ],
      },
      want: [
        'spec.taints[1]: Duplicate value: "a:NoSchedule"',
        "spec.taints[2].key: Required value",
        'spec.taints[2].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        "spec.taints[3].effect: Required value",
      ],
    },
  ];
  for (const { title, spec, want } of refused) {
    it(`refuses ${title}`, () => assert.deepEqual(nodeKind.validate(nodeOf(spec)).map(formatProblem), want));
  }

  it("keeps its block once it has one", () => {
    const without = nodeOf({});
    const first = nodeOf({ podCIDR: "10.244.1.0/24" });
    const second = nodeOf({ podCIDR: "10.244.2.0/24" });
    const paths = (next: Node, previous: Node) => nodeKind.validateUpdate(next, previous).map(({ path }) => path);
    assert.deepEqual(paths(first, without), []);
    assert.deepEqual(paths(first, first), []);
    assert.deepEqual(paths(second, first), ["spec.podCIDR"]);
    assert.deepEqual(paths(without, first), ["spec.podCIDR"]);
  });

  it("may be cordoned and tainted", () => {
    const cordoned = nodeOf({ unschedulable: true, taints: [{ key: "a", effect: "NoExecute" }] });
    assert.deepEqual(nodeKind.validateUpdate(cordoned, nodeOf({})), []);
  });

  it("keeps its provider's id once it has one", () => {
    const paths = nodeKind.validateUpdate(nodeOf({ providerID: "b" }), nodeOf({ providerID: "a" })).map(({ path }) => path);
    assert.deepEqual(paths, ["spec.providerID"]);
  });
});
