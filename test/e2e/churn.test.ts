/* Daemons that are killed at any moment while pods come and go: in the end everything is as it was asked for, and nothing is left of
 * what went. */

import assert from "node:assert/strict";
import { setTimeout as sleepFor } from "node:timers/promises";
import { createRng, type Rng } from "#core/rng.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { podTraces } from "../support/pod-traces.ts";
import { until } from "../support/until.ts";

const nodes = ["node-1", "node-2"];
const podCount = 6;
const seeds = [1, 2];

describe("killing daemons while pods come and go", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: nodes.length });
  });

  after(() => cluster[Symbol.asyncDispose]());

  /** Kills one daemon after another at random moments until the signal aborts. */
  const killer = async (rng: Rng, over: AbortSignal) => {
    const killed: string[] = [];
    while (!over.aborted) {
      await sleepFor(50 + rng.next() * 700, undefined, { signal: over }).catch(() => {});
      const who = ["control-plane", ...nodes][Math.floor(rng.next() * 3)] ?? "";
      try {
        process.kill(who === "control-plane" ? cluster.pids.controlPlane : cluster.pids.agent(who), "SIGKILL");
        killed.push(who);
      } catch {
        // It is just being started again.
      }
    }
    return killed;
  };
  const patiently = (what: string, ...args: readonly string[]) =>
    until(async () => (await cluster.podwire(...args)).code === 0, what, 30_000);

  for (const seed of seeds) {
    it(`seed ${seed}: leaves what was asked for, and no more`, async () => {
      const rng = createRng(seed * 7_919);
      const names = Array.from({ length: podCount }, (_, i) => `s${seed}-${i}`);
      const manifests = names.map((name) => podOf({ name, command: ["sleep", "inf"] }));
      const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests });

      const over = new AbortController();
      const killing = killer(rng, over.signal);
      await until(async () => (await cluster.feed(text, "apply", "-f", "-")).code === 0, "an apply that goes through", 30_000);
      await sleepFor(1_000 * rng.next());
      const [doomed, kept] = [names.slice(0, 3), names.slice(3)];
      await patiently("a delete that goes through", "delete", "pod", ...doomed, "--wait=false", "--ignore-not-found");
      await sleepFor(1_500 * rng.next());
      over.abort();
      const killed = await killing;
      assert.notEqual(killed.length, 0);

      await patiently("Ready nodes", "wait", "--for=condition=Ready", "nodes", "--all", "--timeout=20s");
      await patiently(
        "the pods that stay",
        "wait",
        "--for=condition=Ready",
        ...kept.map((name) => `pod/${name}`),
        "--timeout=20s",
      );
      await patiently("the end of the others", "wait", "--for=delete", ...doomed.map((name) => `pod/${name}`), "--timeout=20s");
      const pods = await Promise.all(kept.map((name) => cluster.pod(name)));
      const addresses = pods.map(({ status }) => status?.podIP);
      assert.equal(new Set(addresses).size, kept.length, addresses.join(" "));
      for (const pod of pods) {
        assert.deepEqual(
          cluster.containerProcesses(pod).map(({ argv }) => argv[0]),
          ["sh", "sleep"],
          `${pod.metadata?.name} after ${killed.join(", ")}`,
        );
      }
      const sleepers = cluster.processes().filter(({ argv }) => argv.join(" ") === "sleep inf");
      assert.equal(sleepers.length, kept.length, `after ${killed.join(", ")}`);
      const [one, two] = pods as [Pod, Pod];
      await cluster.run("exec", one.metadata?.name ?? "", "--", "ping", "-c", "1", "-W", "2", two.status?.podIP ?? "");

      await cluster.run("delete", "pod", ...kept, "--grace-period=1");
      for (const node of nodes) {
        await until(async () => (await podTraces(cluster, node)).length === 0, `the end of all traces on ${node}`).catch(
          async () => assert.deepEqual(await podTraces(cluster, node), [], `after ${killed.join(", ")}`),
        );
      }
    });
  }
});
