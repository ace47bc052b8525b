/* A host of its own for a test: the main thread moves into a new network namespace and comes back. Children that are started in
 * between, and sockets that are opened, belong there too. */

import { closeSync, openSync } from "node:fs";
import koffi from "koffi";
import { type Ipv4, parseIpv4 } from "#core/ipv4.ts";
import { prepareHost } from "#kernel/linux-network.ts";
import { listNetns } from "#kernel/netns.ts";
import { podNetnsPrefix, tunName } from "#kernel/network.ts";
import { run } from "#kernel/run.ts";
import { requireSandbox } from "./sandbox.ts";

const cloneNewNet = 0x40000000;
const { unshare, setns } = systemCalls();

export interface HostNamespace extends AsyncDisposable {
  readonly nodeName: string;
  readonly nodeAddress: Ipv4;
  /** Lines for `ip -batch`, run on this host. */
  ip(...lines: readonly string[]): Promise<void>;
}

let hosts = 0;

/** With the node's address on `lo`, and the tunnel's device without anybody behind it. */
export async function enterHostNamespace(): Promise<HostNamespace> {
  requireSandbox();
  hosts += 1;
  const nodeName = `host${hosts}`;
  const signal = new AbortController().signal;
  const ip = async (...lines: readonly string[]) =>
    void (await run(["ip", "-batch", "-"], { input: `${lines.join("\n")}\n`, signal }));
  const home = openSync("/proc/thread-self/ns/net", "r");
  unshare(cloneNewNet);
  const leave = async () => {
    const left = listNetns().filter((name) => name.startsWith(podNetnsPrefix(nodeName)));
    if (left.length > 0) await ip(...left.map((name) => `netns del ${name}`));
    setns(home, cloneNewNet);
    closeSync(home);
  };
  try {
    await ip(
      "link set lo up",
      "address add 192.168.0.1/32 dev lo",
      `tuntap add ${tunName} mode tun`,
      `link set ${tunName} addrgenmode none up`,
    );
    prepareHost();
  } catch (error) {
    await leave();
    throw error;
  }
  return { nodeName, nodeAddress: parseIpv4("192.168.0.1"), ip, [Symbol.asyncDispose]: leave };
}

function systemCalls() {
  const libc = koffi.load(null);
  const checked =
    (name: string, call: (...args: number[]) => number) =>
    (...args: number[]): void => {
      if (call(...args) !== 0) throw new Error(`${name}: errno ${koffi.errno()}`);
    };
  return {
    unshare: checked("unshare", libc.func("int unshare(int flags)") as (...args: number[]) => number),
    setns: checked("setns", libc.func("int setns(int fd, int nstype)") as (...args: number[]) => number),
  };
}
