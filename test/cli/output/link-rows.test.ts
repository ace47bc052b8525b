import assert from "node:assert/strict";
import type { LinkMetrics } from "#proto/podwire/v1/metrics.ts";
import { linksTable } from "../../../cli/output/link-rows.ts";

const link: LinkMetrics = {
  ...{ node: "node-1", peer: "node-2", state: "open", reason: "", roundTripMs: 0.257, queuedBytes: 2_048 },
  sent: { bytes: 5 * 2 ** 30, packets: 440, frames: 10, messages: 4 },
  received: { bytes: 999, packets: 0, frames: 0, messages: 0 },
  ...{ sendDrops: { "queue-full": 3, "no-peer": 1 }, receiveDrops: { spoofed: 2 } },
};

describe("the table of links", () => {
  it("has what each node sees of each tunnel, in the order of their numbers", () => {
    const { titles, rows } = linksTable(
      [{ ...link, node: "node-10" }, { ...link, peer: "node-3", roundTripMs: undefined }, link],
      {
        wide: false,
      },
    );
    assert.deepEqual(titles, ["NODE", "PEER", "STATE", "RTT", "SENT", "RECEIVED", "DROPPED"]);
    assert.deepEqual(rows, [
      ["node-1", "node-2", "open", "0.26ms", "5.0GiB", "999B", "6"],
      ["node-1", "node-3", "open", "<none>", "5.0GiB", "999B", "6"],
      ["node-10", "node-2", "open", "0.26ms", "5.0GiB", "999B", "6"],
    ]);
  });

  it("has batches, drops and reasons where it is wide", () => {
    const lost = { ...link, state: "backoff", reason: "ECONNREFUSED", sent: undefined, sendDrops: {}, receiveDrops: {} };
    const cells = linksTable([link, { ...lost, peer: "node-3" }], { wide: true }).rows.map((row) => row.slice(7));
    assert.deepEqual(cells, [
      ["2.0KiB", "44.0", "2.5", "send:queue-full=3,send:no-peer=1,receive:spoofed=2", "<none>"],
      ["2.0KiB", "<none>", "<none>", "<none>", "ECONNREFUSED"],
    ]);
  });
});
