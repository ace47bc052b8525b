import assert from "node:assert/strict";
import fc from "fast-check";
import { createManualClock, createScaledClock, formatTimestamp } from "#core/clock.ts";
import { nodeKind } from "#core/objects/node.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import { planEvictions } from "../../../control-plane/state/eviction-pace.ts";
import { withTaints } from "../../../control-plane/state/node-taints.ts";

const startMs = Date.UTC(2026, 0, 1);
const at = (seconds: number) => formatTimestamp(startMs + seconds * 1_000);

interface Facts {
  readonly ready: "True" | "Unknown" | undefined;
  /** Seconds from the start: when it was lost, and when it began to drive its pods away. */
  readonly lost?: number;
  readonly drives?: number;
  readonly zone?: string;
}

function nodeOf({ ready, lost = -100, drives, zone }: Facts, i: number): Node {
  return nodeKind.fromJson({
    metadata: {
      name: `node-${String(i).padStart(3, "0")}`,
      labels: zone === undefined ? {} : { "topology.kubernetes.io/zone": zone },
    },
    spec: {
      taints: drives === undefined ? [] : [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded: at(drives) }],
    },
    status: { conditions: ready === undefined ? [] : [{ type: "Ready", status: ready, lastTransitionTime: at(lost) }] },
  });
}

const up: Facts = { ready: "True" };
const lost: Facts = { ready: "Unknown" };
const many = (count: number, facts: Facts) => Array.from({ length: count }, () => facts);

describe("the pace at which lost nodes drive their pods away", () => {
  const cases: { title: string; nodes: Facts[]; begin?: number[]; stop?: number[]; nextMs?: number }[] = [
    { title: "is none where there is no node", nodes: [] },
    { title: "is none where all are well", nodes: [up, up] },
    { title: "lets a lost one begin at once", nodes: [up, lost, up], begin: [1] },
    {
      title: "takes the one that was lost first",
      nodes: [up, up, { ...lost, lost: -20 }, { ...lost, lost: -30 }],
      begin: [3],
    },
    { title: "lets the next one begin ten seconds later", nodes: [up, { ...lost, drives: -4 }, lost, up], nextMs: 6_000 },
    { title: "lets it begin when they are over", nodes: [up, { ...lost, drives: -10 }, lost, up], begin: [2] },
    { title: "asks for nothing where all that are lost have begun", nodes: [up, { ...lost, drives: -4 }] },
    { title: "does not stop for two nodes of three", nodes: [up, lost, lost], begin: [1] },
    { title: "stops in a small cluster where more than half of a zone is lost", nodes: [up, up, lost, lost, lost] },
    {
      title: "goes on where less than 55 % are lost",
      nodes: [up, up, up, up, up, lost, lost, lost, lost, lost],
      begin: [5],
    },
    {
      title: "is a tenth in a large cluster",
      nodes: [...many(20, up), ...many(30, lost), { ...lost, drives: -30 }],
      nextMs: 70_000,
    },
    {
      title: "is full where all of a zone is lost, and others live",
      nodes: [...many(3, { ...lost, zone: "a" }), ...many(3, { ...up, zone: "b" })],
      begin: [0],
    },
    {
      title: "is each zone's own",
      nodes: [
        { ...up, zone: "a" },
        { ...lost, zone: "a" },
        { ...up, zone: "b" },
        { ...lost, zone: "b", drives: -1 },
        { ...lost, zone: "b" },
      ],
      begin: [1],
      nextMs: 9_000,
    },
    { title: "is none where all zones are lost, and who had begun stops", nodes: [{ ...lost, drives: -99 }, lost], stop: [0] },
    {
      title: "does not count nodes of which nothing is known",
      nodes: [{ ready: undefined }, { ...lost, drives: -99 }],
      stop: [1],
    },
  ];
  for (const { title, nodes, begin = [], stop = [], nextMs } of cases) {
    it(title, () => {
      const plan = planEvictions(nodes.map(nodeOf), createManualClock(startMs));
      const names = (numbers: readonly number[]) => numbers.map((i) => `node-${String(i).padStart(3, "0")}`);
      assert.deepEqual([...plan.begin], names(begin));
      assert.deepEqual([...plan.stop], names(stop));
      assert.equal(plan.nextMs, nextMs);
    });
  }

  it("is compressed with the cluster's time", () => {
    const clock = createScaledClock(createManualClock(startMs), 20);
    assert.equal(planEvictions([up, { ...lost, drives: 0 }, lost].map(nodeOf), clock).nextMs, 500);
  });

  it("never lets two nodes of a zone begin within ten seconds, whatever is lost when", async () => {
    const losses = fc.array(fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(losses, async (steps) => {
        const clock = createManualClock(startMs);
        let nodes = many(12, up).map(nodeOf);
        let lastMs = Number.NEGATIVE_INFINITY;
        for (const wells of steps) {
          await clock.advance(1_000);
          // One that had begun stays lost: what the taint says is all that there is to remember.
          nodes = nodes.map((node, i) => (node.spec?.taints.length ? node : nodeOf({ ready: wells[i] ? "True" : "Unknown" }, i)));
          const { begin, stop } = planEvictions(nodes, clock);
          assert.ok(begin.size <= 1);
          if (stop.size > 0) lastMs = Number.NEGATIVE_INFINITY;
          if (begin.size === 0 && stop.size === 0) continue;
          if (begin.size > 0) {
            assert.ok(clock.wallMs() - lastMs >= 10_000, `${clock.wallMs() - lastMs} ms after the one before`);
            lastMs = clock.wallMs();
          }
          nodes = nodes.map((node) => {
            const name = node.metadata?.name ?? "";
            const driving = begin.has(name) ? "begin" : stop.has(name) ? "stop" : "keep";
            return withTaints(node, formatTimestamp(clock.wallMs()), driving);
          });
          nodes = nodes.map((node) => ({
            ...node,
            spec: { podCIDRs: [], taints: node.spec?.taints.filter(({ effect }) => effect === "NoExecute") ?? [] },
          }));
        }
      }),
      { numRuns: 200 },
    );
  });
});
