import assert from "node:assert/strict";
import { accountText, causeOf, type PodLife } from "../../../cli/rollout/losses.ts";

function life(name: string, facts: Partial<PodLife> = {}): PodLife {
  const none = { readyMs: undefined, endingMs: undefined, hasPreStop: false, hasReadinessProbe: true };
  return { name, node: "node-2", ...none, ...facts };
}

const loss = (atMs: number, node = "node-1") => ({ node, atMs, why: "ECONNREFUSED" });

describe("the cause of a lost request", () => {
  const old = life("old", { endingMs: 1_000 });
  const older = life("older", { endingMs: 400 });
  const fresh = life("fresh", { readyMs: 1_100, hasReadinessProbe: false });
  const cases: { title: string; atMs: number; lives: PodLife[]; want: string }[] = [
    { title: "is the pod that was told to end last", atMs: 1_038, lives: [older, old], want: "ending old 38" },
    { title: "is no pod that was told to end later", atMs: 800, lives: [older, old], want: "ending older 400" },
    { title: "may have been heard of a little late", atMs: 980, lives: [old], want: "ending old 0" },
    {
      title: "is a pod that nobody probed, where that is the last thing that happened",
      atMs: 1_150,
      lives: [old, fresh],
      want: "unprobed fresh 50",
    },
    { title: "is no unprobed pod that has served for long", atMs: 5_000, lives: [fresh], want: "unknown" },
    { title: "is no probed one", atMs: 1_150, lives: [{ ...fresh, hasReadinessProbe: true }], want: "unknown" },
    { title: "may not be told", atMs: 10, lives: [old], want: "unknown" },
  ];
  for (const { title, atMs, lives, want } of cases) {
    it(title, () => {
      const cause = causeOf(loss(atMs), lives);
      assert.equal(cause.type === "unknown" ? "unknown" : `${cause.type} ${cause.life.name} ${cause.afterMs}`, want);
    });
  }
});

describe("the account of a rollout", () => {
  const account = { what: "deployment.apps/web", rps: 200, nodeCount: 2, sent: 900, beganMs: 500 };

  it("is one line where nothing was lost", () => {
    const text = accountText({ ...account, losses: [], lives: [life("old", { endingMs: 1_000 })] });
    assert.equal(text, "deployment.apps/web: 900 requests from 2 nodes at 200 a second, 0 lost\n");
  });

  it("tells each loss in its order, and then each pod's race", () => {
    const losses = [loss(1_041), loss(1_012, "node-2"), loss(1_020)];
    const text = accountText({ ...account, losses, lives: [life("old", { endingMs: 1_000 })] });
    assert.equal(
      text,
      [
        "lost after 0.512 s from node-2: ECONNREFUSED: old (node-2) was told to end 12 ms before",
        "lost after 0.520 s from node-1: ECONNREFUSED: old (node-2) was told to end 20 ms before",
        "lost after 0.541 s from node-1: ECONNREFUSED: old (node-2) was told to end 41 ms before",
        "old (node-2) lost 3: it was told to end and still got requests, from node-1 for 41 ms, node-2 for 12 ms: no preStop hook keeps it serving until every node knows",
        "deployment.apps/web: 900 requests from 2 nodes at 200 a second, 3 lost",
        "",
      ].join("\n"),
    );
  });

  it("stays short however much was lost", () => {
    const losses = Array.from({ length: 500 }, (_, i) => loss(1_000 + i));
    const lines = accountText({ ...account, losses, lives: [life("old", { endingMs: 1_000 })] }).split("\n");
    assert.equal(lines.length, 24);
    assert.equal(lines[20], "… and 480 more");
  });
});
