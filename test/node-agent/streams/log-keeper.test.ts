import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createManualClock } from "#core/clock.ts";
import { createLog } from "#process/log.ts";
import { keepLogs } from "../../../node-agent/streams/log-keeper.ts";
import { createLogReaders } from "../../../node-agent/streams/log-readers.ts";
import { readTimes, timesPath } from "../../../node-agent/streams/log-times.ts";
import { temporaryFolder } from "../temporary-folder.ts";

describe("the keeper of logs", () => {
  it("looks after a pod's logs though another pod's can't be read", async () => {
    using folder = temporaryFolder();
    const [broken, well] = [join(folder.path, "broken"), join(folder.path, "well")];
    mkdirSync(broken);
    writeFileSync(join(broken, "containers"), "no folder");
    mkdirSync(join(well, "containers", "main", "0"), { recursive: true });
    const log = join(well, "containers", "main", "0.log");
    writeFileSync(log, "one\n");
    const over = new AbortController();
    const kept = keepLogs({
      podFolders: () => [broken, well],
      readers: createLogReaders(),
      clock: createManualClock(),
      log: createLog({ level: "silent", name: "test" }),
      signal: over.signal,
    });
    over.abort();
    await kept;
    assert.ok(existsSync(timesPath(log)));
    assert.ok(readTimes(log).at(0) > 0);
  });
});
