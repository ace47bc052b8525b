import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import { openSqliteStore } from "../../../control-plane/store/sqlite-store.ts";
import type { Store } from "../../../control-plane/store/store.ts";
import { systemClock } from "../../../process/system-clock.ts";
import { describeStore } from "../../conformance/store.ts";
import { reopeningStore } from "./reopening-store.ts";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.ts";

describe("the stores", () => {
  let directory: TemporaryDirectory;
  let fileCount = 0;
  before(() => {
    directory = temporaryDirectory();
  });
  after(() => {
    directory[Symbol.dispose]();
  });
  const nextFile = () => directory.file(`${fileCount++}.db`);

  describeStore("in memory", async (options): Promise<Store> => openMemoryStore(options));
  describeStore("in SQLite", async (options): Promise<Store> => {
    return openSqliteStore({ path: nextFile(), clock: systemClock, ...options });
  });
  describeStore("in SQLite, reopened after each commit", async (options): Promise<Store> => {
    const path = nextFile();
    return reopeningStore(() => openSqliteStore({ path, clock: systemClock, ...options }));
  });
});
