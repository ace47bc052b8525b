import assert from "node:assert/strict";
import { parseDeviceCounters, readDeviceCounters } from "#kernel/device-counters.ts";

const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     840      10    0    0    0     0          0         0      840      10    0    0    0     0       0          0
pw0123456789ab:123456 20    1    2    3     4          5         6     7890      30    0    0    0     0       0          0
`;

describe("the counters of devices", () => {
  it("are read by name, also where the number touches it", () => {
    assert.deepEqual(Object.fromEntries(parseDeviceCounters(text)), {
      lo: { rxBytes: 840, txBytes: 840 },
      pw0123456789ab: { rxBytes: 123_456, txBytes: 7_890 },
    });
  });

  it("are none where there is no device", () => assert.deepEqual([...parseDeviceCounters("")], []));

  it("are those of this process's network", () => assert.ok(readDeviceCounters().has("lo")));
});
