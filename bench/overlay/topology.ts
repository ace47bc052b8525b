/* Three hosts with a pod each, and the ways between their pods: the kernel's routing, the kernel's VXLAN, Podwire's agents, and whatever
 * a script brings. One way is laid at a time; hosts, pods and programs are the same for all. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { podMtu } from "#kernel/network.ts";
import { createLab, type Lab, type LabAgent, type LabNode, runIn } from "../../test/support/overlay-lab.ts";
import { until } from "../../test/support/until.ts";

const exec = promisify(execFile);

export interface Peer {
  readonly name: string;
  /**
   * `script up|down NAMESPACE ADDRESS (OTHER-ADDRESS OTHER-POD-CIDR)…` is run once for each host: it brings the overlay up in that network
   * namespace and routes the other hosts' pods through it, or takes both away.
   */
  readonly script: string;
}

export interface Way {
  readonly name: string;
  /** Between here and `down`, packets between pods go this way. */
  up(): Promise<void>;
  down(): Promise<void>;
}

export interface Topology extends AsyncDisposable {
  readonly nodes: readonly [LabNode, LabNode, LabNode];
  readonly ways: readonly Way[];
  /** Of the first node, which sends. */
  readonly agent: LabAgent;
  /** All agents. */
  readonly agents: readonly LabAgent[];
}

const vxlan = "vx0";

export async function openTopology(peers: readonly Peer[]): Promise<Topology> {
  const stack = new AsyncDisposableStack();
  try {
    const lab = stack.use(await createLab(3));
    const nodes = lab.nodes as unknown as Topology["nodes"];
    for (const node of nodes) await preparePod(node);
    const agents: LabAgent[] = [];
    for (const node of nodes) agents.push(await lab.startAgent(node));
    for (const agent of agents) await until(() => isOpen(agent), "the tunnels to be open");
    const ways = [
      { name: "direct", up: () => lab.route("plain"), down: async () => {} },
      { name: "vxlan", up: () => layVxlan(lab), down: () => removeVxlan(lab) },
      { name: "podwire", up: () => lab.route("overlay"), down: async () => {} },
      ...peers.map((peer) => wayOf(peer, lab)),
    ];
    const [agent] = agents as [LabAgent];
    return { nodes, ways, agent, agents, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function isOpen(agent: LabAgent): Promise<boolean> {
  const { peers } = await agent.status();
  return peers.length > 0 && peers.every(({ tunnel }) => tunnel.state === "open");
}

/** As an agent makes them: with room for an overlay's headers. */
async function preparePod({ namespace, podNamespace }: LabNode): Promise<void> {
  await exec("ip", ["-n", namespace, "link", "set", "pod", "mtu", String(podMtu)]);
  await exec("ip", ["-n", podNamespace, "link", "set", "eth0", "mtu", String(podMtu)]);
}

/** A device for all of a node's peers, which are told by static entries, as Flannel does it. */
async function layVxlan({ nodes }: Lab): Promise<void> {
  for (const [i, node] of nodes.entries()) {
    const lines = [
      [
        "link",
        "add",
        vxlan,
        "address",
        macOf(i),
        "type",
        "vxlan",
        "id",
        "42",
        "local",
        node.address,
        "dev",
        "eth0",
        "dstport",
        "4789",
      ],
      ["link", "set", vxlan, "mtu", String(podMtu), "up"],
      ...nodes.flatMap((peer, j) => (peer === node ? [] : entriesFor(peer, macOf(j), node))),
    ];
    for (const line of lines) await exec("ip", ["-n", node.namespace, ...line]);
    for (const [j, peer] of nodes.entries()) {
      if (peer === node) continue;
      await runIn(node.namespace, ["bridge", "fdb", "append", macOf(j), "dev", vxlan, "dst", peer.address]);
    }
    await runIn(node.namespace, ["sysctl", "-qw", `net.ipv4.conf.${vxlan}.rp_filter=0`]);
  }
}

function entriesFor(peer: LabNode, mac: string, { address }: LabNode): string[][] {
  const gateway = peer.podCidr.replace(/\/.*$/, "");
  return [
    ["neigh", "replace", gateway, "lladdr", mac, "dev", vxlan, "nud", "permanent"],
    ["route", "replace", peer.podCidr, "via", gateway, "dev", vxlan, "onlink", "src", address],
  ];
}

async function removeVxlan({ nodes }: Lab): Promise<void> {
  for (const { namespace } of nodes) await exec("ip", ["-n", namespace, "link", "del", vxlan]);
}

function macOf(index: number): string {
  return `02:00:00:00:01:0${index}`;
}

function wayOf({ name, script }: Peer, { nodes }: Lab): Way {
  const each = async (verb: string) => {
    for (const node of nodes) {
      const others = nodes.filter((other) => other !== node).flatMap(({ address, podCidr }) => [address, podCidr]);
      await exec(script, [verb, node.namespace, node.address, ...others]);
    }
  };
  return { name, up: () => each("up"), down: () => each("down") };
}
