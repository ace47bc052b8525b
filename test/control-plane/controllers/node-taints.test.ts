import assert from "node:assert/strict";
import { nodeKind } from "#core/objects/node.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import { type Driving, taintsOf, withTaints } from "../../../control-plane/state/node-taints.ts";

const now = "2026-01-01T00:00:00Z";

interface Facts {
  readonly ready?: string;
  readonly cordoned?: boolean;
  readonly taints?: readonly object[];
}

function nodeOf({ ready, cordoned = false, taints = [] }: Facts): Node {
  return nodeKind.fromJson({
    metadata: { name: "a" },
    spec: { unschedulable: cordoned, taints },
    status: { conditions: ready === undefined ? [] : [{ type: "Ready", status: ready }] },
  });
}

const short = (node: Node) =>
  (node.spec?.taints ?? []).map(
    ({ key, effect, timeAdded }) => `${key}:${effect}${timeAdded === undefined ? "" : `@${timeAdded}`}`,
  );

describe("a node's taints", () => {
  const cases: { title: string; node: Facts; driving?: Driving; want: string[] }[] = [
    { title: "are none where it is Ready", node: { ready: "True" }, want: [] },
    {
      title: "say that it is cordoned",
      node: { ready: "True", cordoned: true },
      want: ["node.kubernetes.io/unschedulable:NoSchedule"],
    },
    {
      title: "say that it is not ready",
      node: { ready: "False" },
      want: ["node.kubernetes.io/not-ready:NoSchedule"],
    },
    {
      title: "drive pods away from when it begins to",
      node: { ready: "False" },
      driving: "begin",
      want: ["node.kubernetes.io/not-ready:NoSchedule", `node.kubernetes.io/not-ready:NoExecute@${now}`],
    },
    {
      title: "no longer drive pods away where it stops to",
      node: { ready: "Unknown", taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }] },
      driving: "stop",
      want: ["node.kubernetes.io/unreachable:NoSchedule"],
    },
    {
      title: "drive pods away from anew where the reason is another",
      node: {
        ready: "Unknown",
        taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoExecute", timeAdded: "2025-01-01T00:00:00Z" }],
      },
      want: ["node.kubernetes.io/unreachable:NoSchedule", `node.kubernetes.io/unreachable:NoExecute@${now}`],
    },
    {
      title: "keep those of users, and say since when they drive pods away",
      node: {
        ready: "True",
        taints: [
          { key: "gpu", effect: "NoSchedule" },
          { key: "gpu", effect: "NoExecute" },
          { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" },
        ],
      },
      want: ["gpu:NoSchedule", `gpu:NoExecute@${now}`],
    },
    {
      title: "keep since when",
      node: {
        ready: "Unknown",
        taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded: "2025-01-01T00:00:00Z" }],
      },
      want: ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute@2025-01-01T00:00:00Z"],
    },
  ];
  for (const { title, node, driving, want } of cases) {
    it(title, () => {
      const tainted = withTaints(nodeOf(node), now, driving);
      assert.deepEqual(short(tainted), want);
      assert.equal(withTaints(tainted, "2027-01-01T00:00:00Z", driving), tainted, "the second time changes nothing");
    });
  }

  it("keep pods from a node that said nothing yet", () => {
    assert.deepEqual(
      taintsOf(nodeOf({})).map(({ key, effect }) => `${key}:${effect}`),
      ["node.kubernetes.io/not-ready:NoSchedule"],
    );
  });
});
