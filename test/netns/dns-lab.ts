/* A node with its pods and its name server, without a session: the test says which Services there are. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createRng } from "#core/rng.ts";
import { run } from "#kernel/run.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import type { EndpointSlice, Pod, Service } from "#proto/podwire/v1/resources.ts";
import { type ClusterDns, createClusterDns } from "../../node-agent/dns/cluster-dns.ts";
import { type DnsOptions, parseDnsOptions } from "../../node-agent/dns/options.ts";
import { dnsView } from "../support/dns-objects.ts";
import { until } from "../support/until.ts";
import { type AgentOfPods, openPodLab, type PodLab } from "./pod-lab.ts";

export const dnsHost = "10.96.0.10";

export interface RunningDns extends AsyncDisposable {
  readonly dns: ClusterDns;
}

export interface DnsLab extends AsyncDisposable {
  readonly pods: PodLab;
  readonly agent: AgentOfPods;
  startDns(options?: { readonly upstream?: string; readonly stub?: string }): RunningDns;
  set(services: readonly Service[], slices?: readonly EndpointSlice[]): void;
  /** What dig prints, asked from the node where no pod is given, and of the cluster's name server where no other is named. */
  dig(args: readonly string[], from?: Pod): Promise<string>;
  /** What a program in the pod's container prints; "" where it fails. */
  inContainer(pod: Pod, ...argv: readonly string[]): Promise<string>;
}

const { signal } = new AbortController();

export async function openDnsLab(): Promise<DnsLab> {
  const pods = await openPodLab();
  const agent = pods.startAgent();
  agent.set();
  const running = new Set<RunningDns>();
  let view = dnsView([]);
  return {
    pods,
    agent,
    startDns({ upstream = "", stub = "" } = {}) {
      const started = startDns(pods.spec.stateDir, parseDnsOptions({ ttl: "5", upstream, stub }));
      running.add(started);
      return started;
    },
    set(services, slices = []) {
      view = dnsView(services, slices);
      for (const { dns } of running) dns.set(view);
    },
    async dig(args, from) {
      const asked = args.some((argument) => argument.startsWith("@")) ? [] : [`@${dnsHost}`];
      const argv = [...asked, "+tries=1", "+time=3", ...args];
      if (from !== undefined) return (await pods.inPod(from, "dig", ...argv)).trim();
      return (await promisify(execFile)("dig", argv)).stdout.trim();
    },
    async inContainer(pod, ...argv) {
      const target = ["--target", String(agent.initOf(pod)), "--mount", "--net", "--uts"];
      return (await run(["nsenter", ...target, "--", ...argv], { signal }).catch(() => "")).trim();
    },
    async [Symbol.asyncDispose]() {
      for (const each of running) await each[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
      await pods[Symbol.asyncDispose]();
    },
  };
}

function startDns(stateDir: string, options: DnsOptions): RunningDns {
  const controller = new AbortController();
  const log = createLog({ level: process.env.PODWIRE_TEST_LOG === undefined ? "silent" : "debug", name: "test" });
  const dns = createClusterDns({ ...options, stateDir, clock: systemClock, rng: createRng(1), log, signal: controller.signal });
  const over = dns.run();
  return {
    dns,
    async [Symbol.asyncDispose]() {
      controller.abort();
      await over;
    },
  };
}

/** Resolves when the name server answers. */
export async function answers(lab: DnsLab): Promise<void> {
  await until(async () => (await lab.dig(["+short", "ns.dns.cluster.local"]).catch(() => "")) === dnsHost, "the name server");
}
