import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseIpv4 } from "#core/ipv4.ts";
import { createPodRecords, linkOf, type PodRecord } from "../../../node-agent/pods/records.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const record: PodRecord = {
  uid: "0f0e0d0c-1111-4222-8333-444455556666",
  namespace: "default",
  name: "web",
  address: parseIpv4("10.244.1.2"),
  networkReady: true,
};

describe("pod records", () => {
  it("are the same after a restart", () => {
    using folder = temporaryFolder();
    const { address: _, ...onTheNode } = { ...record, uid: "on-the-node" };
    for (const saved of [record, onTheNode]) createPodRecords(folder.path).save(saved);
    const loaded = createPodRecords(folder.path).load();
    assert.deepEqual(
      loaded.toSorted((a, b) => (a.uid < b.uid ? -1 : 1)),
      [record, onTheNode],
    );
  });

  it("are for their owner's eyes only", () => {
    using folder = temporaryFolder();
    const records = createPodRecords(folder.path);
    records.save(record);
    assert.equal(statSync(join(records.folder(record.uid), "pod.json")).mode & 0o777, 0o600);
    assert.equal(statSync(records.folder(record.uid)).mode & 0o777, 0o700);
  });

  it("clear away the folder of a pod whose record was never written", () => {
    using folder = temporaryFolder();
    const records = createPodRecords(folder.path);
    mkdirSync(records.folder("half"));
    writeFileSync(join(records.folder("half"), "pod.json.new"), '{"uid":');
    assert.deepEqual(records.load(), []);
    assert.equal(existsSync(records.folder("half")), false);
  });

  it("refuse to lose a pod whose record can't be read", () => {
    using folder = temporaryFolder();
    const records = createPodRecords(folder.path);
    records.save(record);
    writeFileSync(join(records.folder(record.uid), "pod.json"), "{");
    assert.throws(() => records.load(), /pod\.json/);
    assert.equal(existsSync(records.folder(record.uid)), true);
  });

  it("leave nothing of a pod that is removed", () => {
    using folder = temporaryFolder();
    const records = createPodRecords(folder.path);
    records.save(record);
    mkdirSync(join(records.folder(record.uid), "containers", "main", "0"), { recursive: true });
    records.remove(record.uid);
    records.remove(record.uid);
    assert.deepEqual(readdirSync(join(folder.path, "pods")), []);
  });

  it("keep the addresses that rest", () => {
    using folder = temporaryFolder();
    const records = createPodRecords(folder.path);
    assert.deepEqual(records.loadAddresses(), { last: undefined, releasedAtMs: new Map() });
    const state = { last: parseIpv4("10.244.1.9"), releasedAtMs: new Map([[parseIpv4("10.244.1.8"), 12_345]]) };
    records.saveAddresses(state);
    assert.deepEqual(createPodRecords(folder.path).loadAddresses(), state);
  });

  it("name a pod's network after its uid, within the kernel's 15 characters", () => {
    const link = linkOf("node-1", { uid: record.uid, address: parseIpv4("10.244.1.2") });
    assert.deepEqual([link.netns, link.device], [`node-1.${record.uid}`, "pw0f0e0d0c1111"]);
    assert.ok(link.device.length <= 15);
  });
});
