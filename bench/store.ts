/* The store under load: what a commit costs, what it costs everybody else on the event loop, and what reads cost. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { openMemoryStore } from "../control-plane/store/open-store.ts";
import { openSqliteStore } from "../control-plane/store/sqlite-store.ts";
import type { Store } from "../control-plane/store/store.ts";
import { systemClock } from "../process/system-clock.ts";
import type { Row } from "./row.ts";

const keyCount = 500;
const lanesMax = 64;
const pacePerSecond = 1_000;
const durationMs = 1_500;
/** About the size of a pod. */
const value = { metadata: { name: "web", labels: { app: "web" } }, padding: "x".repeat(1_500) };

/** Takes about fifteen seconds; leaves no file behind. */
export async function benchStore(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "podwire-bench-"));
  try {
    return [
      ...(await benchCommits("sqlite", (name, windowMs) => {
        return openSqliteStore({ path: join(directory, `${name}.db`), clock: systemClock, windowMs });
      })),
      ...(await benchCommits("memory", () => openMemoryStore())),
      ...(await benchReads()),
      ...(await benchCompaction(join(directory, "compaction.db"))),
      ...(await benchLoading(join(directory, "compaction.db"))),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function benchCommits(label: string, open: (name: string, windowMs?: number) => Store): Promise<Row[]> {
  const cases: { what: string; windowMs?: number; load: (store: Store) => Promise<number[]> }[] = [
    { what: "one by one", load: (store) => commitInLanes(store, 1) },
    { what: `${lanesMax} in parallel`, load: (store) => commitInLanes(store, lanesMax) },
    { what: `${pacePerSecond} a second`, load: commitAtPace },
    { what: `${pacePerSecond} a second, no window`, windowMs: 0, load: commitAtPace },
  ];
  const rows: Row[] = [];
  for (const { what, windowMs, load } of cases) {
    await using store = open(what, windowMs);
    const startMs = performance.now();
    const loopBefore = performance.eventLoopUtilization();
    const latenciesMs = (await load(store)).sort((a, b) => a - b);
    const busyShare = performance.eventLoopUtilization(loopBefore).utilization;
    const perSecond = (latenciesMs.length / (performance.now() - startMs)) * 1_000;
    rows.push(
      { name: `${label}, ${what}: commits`, value: perSecond, unit: "1/s" },
      { name: `${label}, ${what}: p50`, value: quantile(latenciesMs, 0.5) * 1_000, unit: "µs" },
      { name: `${label}, ${what}: p99`, value: quantile(latenciesMs, 0.99) * 1_000, unit: "µs" },
      { name: `${label}, ${what}: event loop blocked`, value: busyShare * 100, unit: "%" },
    );
  }
  return rows;
}

/** Each lane commits again as soon as it is answered. */
async function commitInLanes(store: Store, lanes: number): Promise<number[]> {
  const latenciesMs: number[] = [];
  const endMs = performance.now() + durationMs;
  const lane = async (first: number) => {
    for (let i = first; performance.now() < endMs; i += lanes) latenciesMs.push(await commitOne(store, i));
  };
  await Promise.all(Array.from({ length: lanes }, (_, first) => lane(first)));
  return latenciesMs;
}

/** Commits come at a steady rate, whatever the answers do. */
async function commitAtPace(store: Store): Promise<number[]> {
  const answers: Promise<number>[] = [];
  const startMs = performance.now();
  const { signal } = new AbortController();
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs = performance.now() - startMs) {
    while (answers.length < (elapsedMs * pacePerSecond) / 1_000) answers.push(commitOne(store, answers.length));
    await systemClock.sleep(1, signal);
  }
  return await Promise.all(answers);
}

async function commitOne(store: Store, index: number): Promise<number> {
  const sentMs = performance.now();
  const key = `pods/default/web-${index % keyCount}`;
  await store.commit({ checks: [], writes: [{ type: "put", key, value }] });
  return performance.now() - sentMs;
}

async function benchReads(): Promise<Row[]> {
  await using store = openMemoryStore();
  const namespaces = 100;
  for (let at = 0; at < 100_000; at += 1_000) {
    const keys = Array.from({ length: 1_000 }, (_, i) => `pods/namespace-${(at + i) % namespaces}/web-${at + i}`);
    await store.commit({ checks: [], writes: keys.map((key) => ({ type: "put", key, value: 1 })) });
  }
  const rounds = 200;
  const startMs = performance.now();
  let listed = 0;
  for (let i = 0; i < rounds; i++) listed += store.list(`pods/namespace-${i % namespaces}/`).entries.length;
  const eachUs = ((performance.now() - startMs) / rounds) * 1_000;
  return [{ name: `list of ${listed / rounds} among 100000 keys`, value: eachUs, unit: "µs" }];
}

/** How long the event loop stands still while 50,000 rows go. */
async function benchCompaction(path: string): Promise<Row[]> {
  await using store = openSqliteStore({ path, clock: systemClock, historyChanges: 100_000 });
  const keys = Array.from({ length: 1_000 }, (_, i) => `pods/default/web-${i}`);
  for (let round = 0; round < 60; round++) {
    await store.commit({ checks: [], writes: keys.map((key) => ({ type: "put", key, value })) });
  }
  let longestMs = 0;
  let lastMs = performance.now();
  let running = true;
  const tick = () => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  const startMs = performance.now();
  await store.compact(51);
  running = false;
  return [
    { name: "compaction of 50000 rows", value: performance.now() - startMs, unit: "ms" },
    { name: "compaction of 50000 rows: longest block", value: longestMs, unit: "ms" },
  ];
}

/** What is left above: 1,000 values and 9,000 changes of the past. */
async function benchLoading(path: string): Promise<Row[]> {
  const startMs = performance.now();
  await using store = openSqliteStore({ path, clock: systemClock, historyChanges: 100_000 });
  return [{ name: `opening at revision ${store.revision}, 10000 rows`, value: performance.now() - startMs, unit: "ms" }];
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
