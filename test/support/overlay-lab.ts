/* Hosts in network namespaces, joined by a bridge, a pod on each, and the overlay's agents as child processes. Set up with
 * `ip` alone, as DESIGN.md §4 wants a node's routes; the real agent has better ways. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { promisify } from "node:util";
import type { OverlayStatus } from "../../node-agent/overlay/overlay.ts";
import type { AgentConfig, FromAgent, ToAgent, WirePeer, WireView } from "./overlay-agent.ts";

const exec = promisify(execFile);

export interface LabNode {
  readonly name: string;
  /** Of the node and of its pod. */
  readonly namespace: string;
  readonly podNamespace: string;
  readonly address: string;
  readonly podCidr: string;
  readonly podAddress: string;
}

export interface LabAgent extends AsyncDisposable {
  readonly process: ChildProcess;
  set(view: WireView): Promise<void>;
  setOffload(on: boolean): Promise<void>;
  status(): Promise<OverlayStatus>;
  /** Sends the signal; with SIGKILL waits for the end. */
  signal(name: NodeJS.Signals): Promise<void>;
}

export interface Lab extends AsyncDisposable {
  readonly nodes: readonly LabNode[];
  node(index: number): LabNode;
  /** What the control plane would tell that node. */
  viewOf(node: LabNode): WireView;
  startAgent(node: LabNode, options?: { readonly view?: WireView; readonly offload?: boolean }): Promise<LabAgent>;
  /** Between "overlay" and ordinary routes through the bridge, for the same pods. */
  route(way: "overlay" | "plain"): Promise<void>;
}

const device = "pw0";
const port = 7420;
let labs = 0;

export async function createLab(count: number): Promise<Lab> {
  labs += 1;
  const prefix = `pwt${process.pid}x${labs}`;
  const nodes = Array.from(
    { length: count },
    (_, i): LabNode => ({
      name: `node-${i + 1}`,
      namespace: `${prefix}n${i + 1}`,
      podNamespace: `${prefix}p${i + 1}`,
      address: `192.0.2.${i + 1}`,
      podCidr: `10.244.${i + 1}.0/24`,
      podAddress: `10.244.${i + 1}.2`,
    }),
  );
  const bridge = `${prefix}b`;
  const cleanups = new AsyncDisposableStack();
  try {
    await addNamespace(bridge, cleanups);
    await ip(bridge, [
      ["link", "add", "br0", "type", "bridge"],
      ["link", "set", "br0", "up"],
    ]);
    for (const node of nodes) await addHost(node, nodes, bridge, cleanups);
  } catch (error) {
    await cleanups.disposeAsync();
    throw error;
  }

  const viewOf = (node: LabNode): WireView => ({
    self: wireOf(node),
    peers: nodes
      .filter((peer) => peer !== node)
      .map((peer): WirePeer => ({ ...wireOf(peer), endpoint: `${peer.address}:${port}`, key: keyOf(node.name, peer.name) })),
  });
  return {
    nodes,
    node(index) {
      const node = nodes[index];
      if (node === undefined) throw new Error(`no node ${index}`);
      return node;
    },
    viewOf,
    async startAgent(node, options = {}) {
      const agent = await startAgent(node.namespace, {
        host: node.address,
        port,
        device,
        offload: options.offload ?? true,
        view: options.view ?? viewOf(node),
      });
      cleanups.use(agent);
      return agent;
    },
    async route(way) {
      for (const node of nodes) {
        const others = nodes.filter((other) => other !== node);
        await ip(
          node.namespace,
          others.map((other) => [
            ...["route", "replace", other.podCidr],
            ...(way === "plain" ? ["via", other.address] : ["dev", device]),
            ...["src", node.address],
          ]),
        );
      }
    },
    [Symbol.asyncDispose]: () => cleanups.disposeAsync(),
  };
}

/** Runs a program in a namespace to its end. */
export async function runIn(
  namespace: string,
  argv: readonly string[],
  options: { readonly timeoutMs?: number } = {},
): Promise<string> {
  const { stdout } = await exec("nsenter", [`--net=/run/netns/${namespace}`, ...argv], {
    timeout: options.timeoutMs ?? 20_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

/** Starts a program in a namespace; disposing of it kills it. */
export function spawnIn(namespace: string, argv: readonly string[]): ChildProcess & AsyncDisposable {
  const child = spawn("nsenter", [`--net=/run/netns/${namespace}`, ...argv], { stdio: ["pipe", "pipe", "inherit"] });
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  });
}

function keyOf(a: string, b: string): string {
  return createHash("sha256").update([a, b].sort().join(" ")).digest("hex");
}

async function addHost(node: LabNode, nodes: readonly LabNode[], bridge: string, cleanups: AsyncDisposableStack): Promise<void> {
  const { namespace, podNamespace, address, podCidr, podAddress } = node;
  await addNamespace(namespace, cleanups);
  await addNamespace(podNamespace, cleanups);
  await ip(namespace, [
    ["link", "set", "lo", "up"],
    ["link", "add", "eth0", "type", "veth", "peer", "name", node.name, "netns", bridge],
    ["addr", "add", `${address}/24`, "dev", "eth0"],
    ["link", "set", "eth0", "up"],
    ["tuntap", "add", "dev", device, "mode", "tun", "vnet_hdr"],
  ]);
  await runIn(namespace, [
    ...["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"],
    ...["net.ipv4.conf.eth0.rp_filter=0", `net.ipv4.conf.${device}.rp_filter=0`, `net.ipv6.conf.${device}.disable_ipv6=1`],
  ]);
  await ip(bridge, [["link", "set", node.name, "master", "br0", "up"]]);
  await ip(podNamespace, [["link", "set", "lo", "up"]]);
  await ip(namespace, [
    ["link", "set", device, "up"],
    ["link", "add", "pod", "address", "02:00:00:00:00:01", "type", "veth", "peer", "name", "eth0", "netns", podNamespace],
    ["link", "set", "pod", "up"],
    ["route", "add", podAddress, "dev", "pod", "src", address],
    ["route", "add", "unreachable", podCidr],
    ["rule", "add", "pref", "100", "from", podCidr, "lookup", "100"],
    ...nodes
      .filter((peer) => peer !== node)
      .flatMap((peer) => [
        ["route", "add", peer.podCidr, "dev", device, "src", address],
        ["route", "add", peer.address, "dev", device, "table", "100"],
      ]),
  ]);
  await ip(podNamespace, [
    ["addr", "add", `${podAddress}/32`, "dev", "eth0"],
    ["link", "set", "eth0", "up"],
    ["route", "add", "169.254.1.1", "dev", "eth0"],
    ["route", "add", "default", "via", "169.254.1.1"],
    ["neigh", "add", "169.254.1.1", "lladdr", "02:00:00:00:00:01", "dev", "eth0", "nud", "permanent"],
  ]);
  await runIn(podNamespace, ["sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647"]);
}

async function addNamespace(name: string, cleanups: AsyncDisposableStack): Promise<void> {
  await exec("ip", ["netns", "add", name]);
  cleanups.defer(async () => {
    await exec("ip", ["netns", "del", name]);
  });
}

/** Each line of arguments is one `ip` command inside the namespace. */
async function ip(namespace: string, lines: readonly (readonly string[])[]): Promise<void> {
  for (const line of lines) await exec("ip", ["-n", namespace, ...line]);
}

function wireOf(node: LabNode) {
  return { name: node.name, podCidrs: [node.podCidr], nodeAddress: node.address };
}

async function startAgent(namespace: string, config: AgentConfig): Promise<LabAgent> {
  const script = new URL("./overlay-agent.ts", import.meta.url).pathname;
  const child = spawn("nsenter", [`--net=/run/netns/${namespace}`, process.execPath, script, JSON.stringify(config)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  await answerOf(child, "ready");
  const ask = (message: ToAgent) => child.send(message);
  return {
    process: child,
    async set(view) {
      ask({ ask: "set", view });
      await answerOf(child, "done");
    },
    async setOffload(on) {
      ask({ ask: "offload", on });
      await answerOf(child, "done");
    },
    async status() {
      ask({ ask: "status" });
      return (await answerOf(child, "status")).status;
    },
    async signal(name) {
      child.kill(name);
      if (name === "SIGKILL") await exited;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function answerOf<Tell extends FromAgent["tell"]>(child: ChildProcess, tell: Tell): Promise<Extract<FromAgent, { tell: Tell }>> {
  return new Promise((resolve, reject) => {
    const exit = (code: number | null) => finish(() => reject(new Error(`the agent ended with ${code}`)));
    const message = (answer: FromAgent) => {
      if (answer.tell === tell) finish(() => resolve(answer as Extract<FromAgent, { tell: Tell }>));
    };
    const finish = (then: () => void) => {
      child.off("exit", exit);
      child.off("message", message);
      then();
    };
    child.on("exit", exit);
    child.on("message", message);
  });
}
