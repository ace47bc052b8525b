import assert from "node:assert/strict";
import { claim } from "../../../control-plane/workloads/claims.ts";
import { ownedBy, runningPod } from "../../support/workload-objects.ts";

const owner = { metadata: { name: "web", uid: "1", labels: {}, annotations: {}, ownerReferences: [], finalizers: [] } };
const selector = { matchLabels: { app: "web" }, matchExpressions: [] };
const web = { labels: { app: "web" } };

describe("a controller's claims", () => {
  const mine = ownedBy(runningPod("mine", web), "1");
  const strayed = ownedBy(runningPod("strayed", { labels: { app: "db" } }), "1");
  const orphan = runningPod("orphan", web);
  const others = [ownedBy(runningPod("theirs", web), "2"), runningPod("unrelated", { labels: { app: "db" } })];
  const candidates = [mine, strayed, orphan, ...others];

  it("keep what is selected, adopt what nobody controls, release what strayed", () => {
    assert.deepEqual(claim({ owner, selector, candidates }), { owned: [mine], adopt: [orphan], release: [strayed] });
  });

  it("change nobody's owner while the controller ends", () => {
    const ending = { metadata: { ...owner.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    assert.deepEqual(claim({ owner: ending, selector, candidates }), { owned: [mine], adopt: [], release: [] });
  });

  it("adopt nothing that ends", () => {
    const ending = runningPod("ending", { ...web, deleted: true });
    assert.deepEqual(claim({ owner, selector, candidates: [ending] }).adopt, []);
  });
});
