/* A process that commits until it is killed: `node committing-child.ts FILE RUN`. It prints each revision once it is acknowledged.
 * Commit i of a run writes `half/a/RUN/i` and `half/b/RUN/i`, moves the counter `last/RUN` and deletes an older pair, so that a lost
 * or a half commit shows. Several are under way at any time, and compactions too. */

import { writeSync } from "node:fs";
import { openSqliteStore } from "../../../control-plane/store/sqlite-store.ts";
import { systemClock } from "../../../process/system-clock.ts";
import { put, remove, writeOnly } from "./watching.ts";

const [path = "", run = ""] = process.argv.slice(2);
const lanes = 4;
const keep = 50;

await using store = openSqliteStore({ path, clock: systemClock, historyChanges: 200 });
let next = 0;

async function lane(): Promise<never> {
  for (;;) {
    const i = next++;
    const pair = (n: number) => [`half/a/${run}/${n}`, `half/b/${run}/${n}`];
    const fresh = pair(i).map((key) => put(key, { i, padding: "x".repeat(i % 700) }));
    const stale = i < keep ? [] : pair(i - keep).map(remove);
    const revision = await store.commit(writeOnly(...fresh, ...stale, put(`last/${run}`, i)));
    // Synchronously: what was acknowledged has left the process before anything else happens.
    writeSync(1, `${revision} ${i}\n`);
  }
}

await Promise.all(Array.from({ length: lanes }, lane));
