import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSqliteStore } from "../../../control-plane/store/sqlite-store.ts";
import type { Store, StoreChange } from "../../../control-plane/store/store.ts";
import { createRng } from "../../../core/rng.ts";
import { systemClock } from "../../../process/system-clock.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const killCount = 15;
const child = new URL("./committing-child.ts", import.meta.url).pathname;

describe("a store whose process is killed", () => {
  it(`loses nothing that it acknowledged and shows no half of a commit, ${killCount} times`, async () => {
    using directory = temporaryDirectory();
    const path = directory.file("store.db");
    const rng = createRng(7);
    let revisionBefore = 0;
    let acknowledgedTotal = 0;
    for (let run = 0; run < killCount; run++) {
      const acknowledged = await commitsUntilKilled({ path, run, killAfter: 1 + Math.floor(rng.next() * 300), rng });
      acknowledgedTotal += acknowledged.length;
      await using store = openSqliteStore({ path, clock: systemClock });
      assertKept(store, { run, acknowledged, revisionBefore });
      await assertHistoryIsWhole(store);
      revisionBefore = store.revision;
    }
    assert.ok(acknowledgedTotal >= killCount * 10, `${acknowledgedTotal} commits were acknowledged`);
  }).timeout(120_000);
});

interface Acknowledged {
  readonly revision: number;
  readonly index: number;
}

interface Run {
  readonly path: string;
  readonly run: number;
  /** How many commits are acknowledged before the kill is on its way. */
  readonly killAfter: number;
  readonly rng: { next(): number };
}

/** SIGKILL comes at a random moment of the commit that follows. */
async function commitsUntilKilled({ path, run, killAfter, rng }: Run): Promise<Acknowledged[]> {
  const committing: ChildProcess = spawn(process.execPath, [child, path, String(run)], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  let killing = false;
  committing.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (killing || output.split("\n").length <= killAfter) return;
    killing = true;
    setTimeout(() => committing.kill("SIGKILL"), rng.next() * 4);
  });
  const [, signal] = await once(committing, "close");
  assert.equal(signal, "SIGKILL", `the child ended by itself: ${output.slice(-200)}`);
  return output
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(" ").map(Number))
    .map(([revision = Number.NaN, index = Number.NaN]) => ({ revision, index }));
}

interface Expected {
  readonly run: number;
  readonly acknowledged: readonly Acknowledged[];
  readonly revisionBefore: number;
}

function assertKept(store: Store, { run, acknowledged, revisionBefore }: Expected): void {
  const newest = acknowledged.at(-1) ?? assert.fail("nothing was acknowledged");
  assert.ok(store.revision >= newest.revision, `revision ${newest.revision} was acknowledged, ${store.revision} is there`);
  // Commits of a lane follow each other, and one revision comes with each, so the counter tells how many there are.
  const last = Number(store.get(`last/${run}`)?.value);
  assert.equal(store.revision - revisionBefore, last + 1);
  for (const { revision, index } of acknowledged) {
    assert.equal(revision, revisionBefore + index + 1);
    if (index <= last - 50) continue;
    for (const half of ["a", "b"]) assert.equal(store.get(`half/${half}/${run}/${index}`)?.modRevision, revision);
  }
  const halves = ["a", "b"].map((half) => store.list(`half/${half}/`).entries.map((entry) => entry.key.slice("half/a/".length)));
  assert.deepEqual(halves[0], halves[1]);
  assert.equal(store.list(`half/a/${run}/`).entries.length, Math.min(last + 1, 50));
}

/** Each of the last revisions, as a watch replays them, holds both halves of its pair and the counter. */
async function assertHistoryIsWhole(store: Store): Promise<void> {
  const since = Math.max(0, store.revision - 30);
  const changes: StoreChange[] = [];
  for await (const batch of store.watch("", { since, signal: AbortSignal.timeout(10_000) })) {
    changes.push(...batch.changes);
    if (batch.revision === store.revision) break;
  }
  const putKeys = new Map<number, string[]>();
  for (const change of changes) {
    if (change.type === "put")
      putKeys.set(change.entry.modRevision, [...(putKeys.get(change.entry.modRevision) ?? []), change.entry.key]);
  }
  assert.equal(putKeys.size, store.revision - since);
  for (const [revision, [a = "", b = "", counter = "", ...more]] of putKeys) {
    assert.ok(a.startsWith("half/a/") && b === a.replace("/a/", "/b/") && counter.startsWith("last/"), `revision ${revision}`);
    assert.deepEqual(more, []);
  }
}
