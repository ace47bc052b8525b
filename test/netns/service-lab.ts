/* Hosts with real agents, their pods and their tunnels; the test plays the control plane and says which Services there are. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { listNetns } from "#kernel/netns.ts";
import { run } from "#kernel/run.ts";
import type { Change } from "#proto/podwire/v1/agent.ts";
import { type EndpointSlice, Pod, type Service } from "#proto/podwire/v1/resources.ts";
import { joinToken, type PlayedSession, playControlPlane } from "../node-agent/fake-control-plane.ts";
import { createBareHosts, onBareHost } from "../support/bare-hosts.ts";
import { enterHostNamespace } from "../support/host-namespace.ts";
import { isSlice } from "../support/service-objects.ts";
import { until } from "../support/until.ts";
import { deleted, uidOf } from "./pod-lab.ts";

export interface LabHost {
  readonly name: string;
  readonly address: string;
  readonly podCidr: string;
}

export interface LabPod {
  readonly name: string;
  readonly node: LabHost;
  readonly address: string;
  /** Its network namespace. */
  readonly netns: string;
}

export interface ServiceLab extends AsyncDisposable {
  readonly nodes: readonly LabHost[];
  /** On the hosts' network, and no node. */
  readonly outside: LabHost;
  node(number: number): LabHost;
  /** agnhost's netexec on each, on port 8080 by TCP and 8081 by UDP. */
  startPods(...pods: readonly { readonly name: string; readonly node: number }[]): Promise<LabPod[]>;
  removePod(pod: LabPod): Promise<void>;
  /** All Services and slices that there are from now on; resolves when the rules of every node with an agent are so. */
  serve(...objects: readonly (Service | EndpointSlice)[]): Promise<void>;
  /** Kills a node's agent and starts another, which is told the same. */
  restartAgent(node: LabHost): Promise<void>;
  killAgent(node: LabHost): Promise<void>;
}

/** The three that most suites ask: one on each of the first two nodes, and one that is a client of theirs. */
export async function startTrio(lab: ServiceLab): Promise<readonly [one: LabPod, two: LabPod, client: LabPod]> {
  const pods = await lab.startPods({ name: "one", node: 1 }, { name: "two", node: 2 }, { name: "client", node: 1 });
  return pods as [LabPod, LabPod, LabPod];
}

/** Where a program runs: in a pod's network or in a host's. */
export type Place = LabPod | LabHost;

const zones: readonly string[] = ["east", "west", "west"];
const { signal } = new AbortController();

export async function openServiceLab({ nodes: count = 2 }: { readonly nodes?: number } = {}): Promise<ServiceLab> {
  const cleanups = new AsyncDisposableStack();
  try {
    return await open(count, cleanups);
  } catch (error) {
    await cleanups.disposeAsync();
    throw error;
  }
}

async function open(count: number, cleanups: AsyncDisposableStack): Promise<ServiceLab> {
  const sandbox = await enterHostNamespace();
  cleanups.use(sandbox);
  const folder = mkdtempSync(join(tmpdir(), "podwire-services-"));
  cleanups.defer(() => rmSync(folder, { recursive: true, force: true }));
  const hostOf = (name: string, number: number): LabHost => ({
    name: `${sandbox.nodeName}-${name}`,
    address: `192.0.2.${number}`,
    podCidr: `10.244.${number}.0/24`,
  });
  const nodes = Array.from({ length: count }, (_, i) => hostOf(`node-${i + 1}`, i + 1));
  const outside = hostOf("outside", 99);
  const hosts = [...nodes, outside];
  cleanups.defer(async () => {
    const left = listNetns().filter((name) => hosts.some((host) => name === host.name || name.startsWith(`${host.name}.`)));
    if (left.length > 0) await run(["ip", "-batch", "-"], { input: left.map((name) => `netns del ${name}\n`).join(""), signal });
  });
  await createBareHosts(
    hosts.map(({ name, address }) => ({ name, address: parseIpv4(address) })),
    parseCidr("192.0.2.0/24"),
    signal,
  );
  writeFileSync(join(folder, "token"), joinToken);
  const plane = await playControlPlane({ address: `unix:${folder}/plane.sock` });
  cleanups.use(plane);

  let objects: readonly (Service | EndpointSlice)[] = [];
  const pods = new Map<string, Pod>();
  const agents = new Map<LabHost, Agent>();
  let revision = 0;
  const tell = async (node: LabHost, changes: readonly Change[], whole: boolean): Promise<void> => {
    revision += 1;
    const { session } = agentOf(node);
    const now = revision;
    session.changes({ revision: now, snapshotStart: whole, snapshotEnd: whole, changes: [...changes] });
    await until(() => session.of("ack").some((ack) => ack.revision >= now), `${node.name} to follow`);
  };
  const agentOf = (node: LabHost): Agent => {
    const agent = agents.get(node);
    if (agent === undefined) throw new Error(`${node.name} has no agent`);
    return agent;
  };
  const snapshotOf = (node: LabHost): Change[] => {
    const number = nodes.indexOf(node);
    const changes: Change["change"][] = [
      { $case: "self", value: { podCIDRs: [node.podCidr], zone: zones[number] ?? "" } },
      ...nodes
        .filter((peer) => peer !== node)
        .map((peer) => ({
          $case: "peerPut" as const,
          value: {
            name: peer.name,
            podCIDRs: [peer.podCidr],
            nodeAddress: peer.address,
            tunnelEndpoint: `${peer.address}:7444`,
            key: Buffer.alloc(32, number + nodes.indexOf(peer)),
          },
        })),
      ...[...pods.values()]
        .filter(({ spec }) => spec?.nodeName === node.name)
        .map((value) => ({ $case: "podPut" as const, value })),
      ...objects.map(putOf),
    ];
    return changes.map((change) => ({ change }));
  };
  const startAgent = async (node: LabHost): Promise<void> => {
    const before = plane.sessions.length;
    const child = spawnAgent(node, folder);
    const session = await until(
      () => plane.sessions.slice(before).find((one) => one.node === node.name),
      `${node.name}'s session`,
    );
    agents.set(node, { child, session });
    session.welcome(before + 1);
    await tell(node, snapshotOf(node), true);
  };
  const killAgent = async (node: LabHost): Promise<void> => {
    const { child } = agentOf(node);
    if (!isAlive(child)) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  const endPods = async (node: LabHost, ending: readonly Pod[]): Promise<void> => {
    const { session } = agentOf(node);
    await tell(
      node,
      ending.map((pod) => ({ change: { $case: "podPut", value: deleted(pod, 0) } })),
      false,
    );
    const reports = () => session.of("podReport").filter(({ gone }) => gone);
    await until(() => ending.every((pod) => reports().some(({ uid }) => uid === uidOf(pod))), "pods to go");
    for (const pod of ending) pods.delete(uidOf(pod));
    await tell(
      node,
      ending.map((pod) => ({ change: { $case: "podRemoved", value: uidOf(pod) } })),
      false,
    );
  };
  cleanups.defer(async () => {
    for (const node of agents.keys()) {
      if (isAlive(agentOf(node).child))
        await endPods(
          node,
          [...pods.values()].filter(({ spec }) => spec?.nodeName === node.name),
        );
      await killAgent(node);
    }
  });
  for (const node of nodes) await startAgent(node);

  return {
    nodes,
    outside,
    node: (number) => nodes[number - 1] ?? outside,
    async startPods(...wanted) {
      const made = wanted.map(({ name, node }) => podOn(name, nodes[node - 1] ?? outside));
      for (const pod of made) pods.set(uidOf(pod), pod);
      for (const node of nodes) {
        const here = made.filter(({ spec }) => spec?.nodeName === node.name);
        if (here.length > 0)
          await tell(
            node,
            here.map((value) => ({ change: { $case: "podPut", value } })),
            false,
          );
      }
      return Promise.all(
        made.map(async (pod): Promise<LabPod> => {
          const node = nodes.find(({ name }) => name === pod.spec?.nodeName) ?? outside;
          const { session } = agentOf(node);
          const uid = uidOf(pod);
          const address = await until(() => readyAddress(session, uid), `${pod.metadata?.name} to be ready`);
          return { name: pod.metadata?.name ?? "", node, address, netns: `${node.name}.${uid}` };
        }),
      );
    },
    removePod: ({ name, node }) =>
      endPods(
        node,
        [...pods.values()].filter(({ metadata }) => metadata?.name === name),
      ),
    async serve(...next) {
      const removed = objects.filter((old) => !next.some((one) => sameObject(one, old)));
      const put = next.filter((one) => !objects.includes(one));
      objects = next;
      const changes = [...removed.map(removalOf), ...put.map(putOf)].map((change) => ({ change }));
      await Promise.all(nodes.filter((node) => isAlive(agentOf(node).child)).map((node) => tell(node, changes, false)));
    },
    killAgent,
    async restartAgent(node) {
      await killAgent(node);
      await startAgent(node);
    },
    [Symbol.asyncDispose]: () => cleanups.disposeAsync(),
  };
}

interface Agent {
  readonly child: ChildProcess;
  readonly session: PlayedSession;
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function spawnAgent(node: LabHost, folder: string): ChildProcess {
  const main = join(import.meta.dirname, "..", "..", "node-agent", "main.ts");
  const [program = "", ...args] = onBareHost(node.name, [
    process.execPath,
    main,
    ...["--server", `unix:${folder}/plane.sock`, "--node-name", node.name, "--node-ip", node.address],
    ...["--state", join(folder, node.name), "--hide", folder, "--join-token-file", join(folder, "token")],
    ...["--log-level", process.env.PODWIRE_TEST_LOG === undefined ? "error" : "debug"],
  ]);
  return spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
}

function podOn(name: string, node: LabHost): Pod {
  const readinessProbe = { httpGet: { path: "/healthz", port: 8080 } };
  return Pod.fromJSON({
    metadata: { name, namespace: "default", uid: randomUUID() },
    spec: {
      nodeName: node.name,
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "main", image: "registry.k8s.io/e2e-test-images/agnhost", args: ["netexec"], readinessProbe }],
    },
  });
}

function readyAddress(session: PlayedSession, uid: string): string | undefined {
  const status = session.of("podReport").findLast((report) => report.uid === uid)?.status;
  const isReady = status?.conditions.some(({ type, status: value }) => type === "Ready" && value === "True");
  return isReady ? status?.podIP : undefined;
}

function putOf(object: Service | EndpointSlice): Change["change"] {
  return isSlice(object) ? { $case: "endpointSlicePut", value: object } : { $case: "servicePut", value: object };
}

function removalOf(object: Service | EndpointSlice): Change["change"] {
  const value = `${object.metadata?.namespace}/${object.metadata?.name}`;
  return isSlice(object) ? { $case: "endpointSliceRemoved", value } : { $case: "serviceRemoved", value };
}

function sameObject(a: Service | EndpointSlice, b: Service | EndpointSlice): boolean {
  return isSlice(a) === isSlice(b) && a.metadata?.name === b.metadata?.name;
}
