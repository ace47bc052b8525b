import assert from "node:assert/strict";
import { parseUsage, readNamespaceUsage } from "#kernel/process-usage.ts";
import { identify } from "#kernel/processes.ts";

/** proc(5): utime 7, stime 8, cutime 20, cstime 30; 200 pages are resident. */
const fields = "S 1 42 42 0 -1 4194560 1 0 0 0 7 8 20 30 20 0 1 0 987654 1000 200 18446744073709551615";

describe("the usage of processes", () => {
  for (const name of ["sh", "a b", "a) S 1 2 (b", ""]) {
    it(`is read where the program is called ${JSON.stringify(name)}`, () => {
      assert.deepEqual(parseUsage(`42 (${name}) ${fields}\n`), { ticks: 65, residentPages: 200 });
    });
  }

  it("is that of everything in the namespace", () => {
    const self = identify(process.pid);
    assert.ok(self !== undefined);
    const usage = readNamespaceUsage([self]).get(process.pid);
    const { user, system } = process.cpuUsage();
    assert.ok(usage !== undefined && usage.cpuSeconds > (user + system) / 1e6 - 0.1, `${usage?.cpuSeconds} s`);
    assert.ok(usage.residentBytes > process.memoryUsage.rss() / 2, `${usage.residentBytes} bytes`);
  });

  it("is nobody's once the first process has ended", () => {
    const self = identify(process.pid);
    assert.ok(self !== undefined);
    assert.deepEqual([...readNamespaceUsage([{ ...self, startTicks: "1" }])], []);
    assert.deepEqual([...readNamespaceUsage([])], []);
  });
});
