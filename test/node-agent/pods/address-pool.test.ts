import assert from "node:assert/strict";
import { parseCidr } from "#core/cidr.ts";
import { createManualClock } from "#core/clock.ts";
import { formatIpv4 } from "#core/ipv4.ts";
import { createAddressPool } from "../../../node-agent/pods/address-pool.ts";
import { createPodRecords } from "../../../node-agent/pods/records.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const podCidrs = [parseCidr("10.244.1.0/29")];

describe("the address pool", () => {
  it("goes on where an earlier agent was: what is held stays held, what rests rests on", () => {
    using folder = temporaryFolder();
    const clock = createManualClock(1_000_000);
    const open = () => {
      const records = createPodRecords(folder.path);
      const pool = createAddressPool(records, clock);
      pool.setPodCidrs(podCidrs);
      return { records, pool };
    };
    const first = open();
    const address = first.pool.take("a");
    first.records.save({ uid: "a", namespace: "default", name: "a", address, networkReady: true });
    first.pool.take("b");
    first.pool.release("b");

    const { pool } = open();
    assert.deepEqual(
      ["c", "d", "e"].map((uid) => formatIpv4(pool.take(uid))),
      ["10.244.1.4", "10.244.1.5", "10.244.1.6"],
    );
    assert.throws(() => pool.take("f"), /4 are in use, 1 rest/);
  });

  it("gives an address back once", async () => {
    using folder = temporaryFolder();
    const clock = createManualClock();
    const pool = createAddressPool(createPodRecords(folder.path), clock);
    pool.setPodCidrs([parseCidr("10.244.1.0/30")]);
    pool.take("a");
    pool.release("a");
    await clock.advance(30_000);
    const again = pool.take("b");
    pool.release("a");
    pool.release("nobody");
    assert.equal(formatIpv4(again), "10.244.1.2");
    assert.throws(() => pool.take("c"), /1 are in use$/);
    assert.equal(pool.owns(again), true);
  });
});
