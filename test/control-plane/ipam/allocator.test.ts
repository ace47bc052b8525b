import assert from "node:assert/strict";
import { parseCidr } from "#core/cidr.ts";
import { isAppError } from "#core/errors.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import { grantPodCidr, releasePodCidrs } from "../../../control-plane/ipam/allocator.ts";
import { retryConflicts } from "../../../control-plane/state/objects.ts";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import type { Store } from "../../../control-plane/store/store.ts";

const range = { podCidr: parseCidr("10.244.0.0/19"), nodeCidrPrefix: 24 };

/** One grant, committed as Join does. */
async function allocate(store: Store, nodeName: string, preferred?: string): Promise<string | undefined> {
  return retryConflicts(async () => {
    const grant = grantPodCidr(store, range, { nodeName, preferred });
    if (grant !== undefined) await store.commit(grant);
    return grant?.podCIDR;
  });
}

describe("the allocation of pod CIDRs", () => {
  it("gives every block once to as many nodes that ask at the same time, and none to one more", async () => {
    await using store = openMemoryStore();
    const names = Array.from({ length: 32 }, (_, i) => `node-${i}`);
    const blocks = await Promise.all(names.map((name) => allocate(store, name)));
    assert.equal(new Set(blocks).size, 32);
    assert.ok(blocks.every((block) => block !== undefined));
    assert.equal(await allocate(store, "one-more"), undefined);
    const owners = store.list("allocations/podCIDR/").entries.map(({ value }) => (value as { owner: string }).owner);
    assert.deepEqual(owners.sort(), names.sort());
  });

  it("refuses the later of two commits that chose the same block", async () => {
    await using store = openMemoryStore();
    const [first, second] = ["a", "b"].map((nodeName) => grantPodCidr(store, range, { nodeName }));
    assert.ok(first && second);
    assert.equal(first.podCIDR, second.podCIDR);
    await store.commit(first);
    await assert.rejects(store.commit(second), (error) => isAppError(error, "conflict"));
  });

  it("frees a block when its node is deleted, and gives it again last of all", async () => {
    await using store = openMemoryStore();
    const podCIDR = (await allocate(store, "a")) ?? "";
    const node = { metadata: emptyMetadata, spec: { podCIDR, podCIDRs: [podCIDR], taints: [] } };
    await store.commit({ checks: [], writes: releasePodCidrs(node) });
    const rest = await Promise.all(Array.from({ length: 31 }, (_, i) => allocate(store, `b-${i}`)));
    assert.ok(!rest.includes(podCIDR));
    assert.equal(await allocate(store, "last"), podCIDR);
  });

  it("gives a returning node its old block", async () => {
    await using store = openMemoryStore();
    assert.equal(await allocate(store, "a", "10.244.7.0/24"), "10.244.7.0/24");
    assert.equal(await allocate(store, "b", "10.244.7.0/24"), "10.244.8.0/24");
    assert.equal(await allocate(store, "c", "not a block"), "10.244.9.0/24");
  });
});
