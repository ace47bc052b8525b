import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { fuzzReceiver } from "../../support/record-fuzz.ts";

describe("what comes from a peer", () => {
  it("reaches the kernel only where it is what it says, and is counted where not: 200,000 records", () => {
    const { records, delivered, drops } = fuzzReceiver({ records: 200_000, seed: randomInt(2 ** 32) });
    // Each kind of lie was told, and the truth too.
    assert.ok(records >= 200_000 && delivered > records / 20, JSON.stringify({ records, delivered, drops }));
    for (const reason of ["malformed", "ipv6", "bad-flags", "bad-gso", "bad-checksum-range", "spoofed", "transit"]) {
      assert.ok((drops[reason] ?? 0) > 0, `nothing was dropped as ${reason}`);
    }
  }).timeout(20_000);
});
