import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { bootHosts, cutPower, type Machine, spawnOn } from "#kernel/hosts.ts";
import { createLinuxNetwork } from "#kernel/linux-network.ts";
import { inNetns, listNetns, netnsPath, writeSysctls } from "#kernel/netns.ts";
import { podNetnsPrefix } from "#kernel/network.ts";
import { nftProgram } from "#kernel/nft-program.ts";
import { descendantsOf, identify, isAlive } from "#kernel/processes.ts";

import { run } from "#kernel/run.ts";
import { enterHostNamespace, type HostNamespace } from "../support/host-namespace.ts";
import { bootLabHosts } from "../support/lab-hosts.ts";
import { until } from "../support/until.ts";

const { signal } = new AbortController();

/** Runs a program in a host's network and answers what it printed. */
function inNetworkOf(machine: Machine | undefined, ...argv: readonly string[]): Promise<string> {
  return run(["nsenter", `--net=${netnsPath(machine?.name ?? "")}`, "--", ...argv], { signal });
}

/** Starts a program on a host; resolves with its first line. */
async function startOn(
  machine: Machine | undefined,
  script: string,
): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  assert.ok(machine);
  const child = spawnOn(machine, ["sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  assert.ok(child.stdout);
  const [line = "nothing"] = await Promise.race([once(child.stdout.setEncoding("utf8"), "data"), once(child, "close")]);
  return { child, line: String(line).trim() };
}

describe("hosts", () => {
  it("reach each other, and nothing else", async () => {
    await using lab = await bootLabHosts(3);
    const [one, two, three] = lab.machines;
    await Promise.all([
      inNetworkOf(one, "ping", "-c1", "-W2", "192.0.2.2"),
      inNetworkOf(two, "ping", "-c1", "-W2", "192.0.2.3"),
      inNetworkOf(three, "ping", "-c1", "-W2", "192.0.2.1"),
    ]);
    await assert.rejects(inNetworkOf(one, "ping", "-c1", "-W1", "198.51.100.1"), /unreachable/i);
    await assert.rejects(run(["ping", "-c1", "-W1", "192.0.2.1"], { signal }), /unreachable|exit code/i);
  });

  it("have processes, names, network namespaces and boot ids of their own", async () => {
    await using lab = await bootLabHosts(2);
    const seen = async (machine: Machine | undefined) => {
      const script = "echo $(hostname) $(cat /proc/sys/kernel/random/boot_id) $(cat /proc/1/comm) $(ls /run/netns | wc -l)";
      const { child, line } = await startOn(machine, `${script}; echo $$`);
      if (child.exitCode === null) await once(child, "exit");
      return line.split(/\s+/).slice(0, 4);
    };
    for (const machine of lab.machines) assert.deepEqual(await seen(machine), [machine.name, machine.bootId, "tini", "0"]);
    assert.notEqual(lab.machines[0]?.bootId, lab.machines[1]?.bootId);
  });

  it("run programs as children of whoever starts them, whose signals and exit code they get", async () => {
    await using lab = await bootLabHosts(1);
    const { child } = await startOn(lab.machines[0], "trap 'exit 7' TERM; echo up; while :; do sleep 0.02; done");
    process.kill(child.pid ?? 0, "SIGSTOP");
    process.kill(child.pid ?? 0, "SIGCONT");
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [7, null]);
  });

  it("reap what their programs leave behind", async () => {
    await using lab = await bootLabHosts(1);
    const first = lab.machines[0]?.firstProcess.pid ?? 0;
    const { child } = await startOn(lab.machines[0], "(sleep 0.3 &); echo up");
    if (child.exitCode === null) await once(child, "exit");
    // tini's own child waits beside it.
    await until(() => descendantsOf(first).length === 2, "an orphan");
    await until(() => descendantsOf(first).length === 1, "the orphan's end");
  });

  it("lose every process and all of their network at once when their power is cut, and boot again", async () => {
    await using lab = await bootLabHosts(2);
    const [one, two] = lab.machines;
    const { child } = await startOn(one, "trap '' TERM; (setsid sleep 1000 &); echo up; sleep 1000");
    await startOn(one, "ip netns add inner && ip link add pod0 type veth peer name eth0 netns inner && echo up && sleep 1000");
    const below = [one?.firstProcess.pid ?? 0, child.pid ?? 0].flatMap((pid) => [pid, ...descendantsOf(pid)]).map(identify);
    assert.ok(below.length >= 5, `${below.length} processes`);
    assert.ok(one);
    await cutPower(one);
    assert.deepEqual(
      below.filter((id) => id !== undefined && isAlive(id)),
      [],
    );
    assert.ok(!listNetns().includes(one.name));
    await assert.rejects(inNetworkOf(two, "ping", "-c1", "-W1", "192.0.2.1"), /unreachable|exit code/i);
    const again = await lab.boot(lab.hosts[0]);
    assert.notEqual(again.bootId, one.bootId);
    // At once: where it is has not changed.
    await inNetworkOf(two, "ping", "-c1", "-W1", "192.0.2.1");
    assert.match(await inNetworkOf(again, "ip", "link", "show", "eth0"), /link\/ether 02:42:c0:00:02:01 /);
  });

  it("end with their first process, by whatever hand", async () => {
    await using lab = await bootLabHosts(1);
    const { child } = await startOn(lab.machines[0], "echo up; sleep 1000");
    process.kill(lab.machines[0]?.firstProcess.pid ?? 0, "SIGKILL");
    await lab.machines[0]?.ended;
    if (child.signalCode === null) await once(child, "exit");
    assert.equal(child.signalCode, "SIGKILL");
  });

  it("all stay off where one of them can't be booted", async () => {
    await using lab = await bootLabHosts(1);
    const fresh = { name: "fresh", address: parseIpv4("192.0.2.7"), disk: lab.hosts[0]?.disk ?? "" };
    const taken = { name: "a-name-that-is-too-long", address: parseIpv4("192.0.2.8"), disk: fresh.disk };
    await assert.rejects(bootHosts([fresh, taken], parseCidr("192.0.2.0/24"), signal));
    assert.ok(!listNetns().some((name) => name === fresh.name || name === taken.name), listNetns().join(" "));
  });
});

describe("inNetns", () => {
  it("works in the other namespace, and comes back", async () => {
    await using lab = await bootLabHosts(1);
    const one = lab.hosts[0]?.name ?? "";
    const home = readlinkSync("/proc/thread-self/ns/net");
    const devices = () => readFileSync("/proc/thread-self/net/dev", "utf8");
    assert.match(inNetns(one, devices), /eth0/);
    assert.doesNotMatch(devices(), /eth0/);
    inNetns(one, () => writeSysctls({ "net/ipv4/ip_forward": "0" }));
    assert.equal(readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8"), "1\n");
    assert.equal(
      inNetns(one, () => readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8")),
      "0\n",
    );
    assert.equal(readlinkSync("/proc/thread-self/ns/net"), home);
  });

  it("comes back from an action that throws, and where there is no such namespace", async () => {
    await using lab = await bootLabHosts(1);
    const one = lab.hosts[0]?.name ?? "";
    const home = readlinkSync("/proc/thread-self/ns/net");
    assert.throws(
      () =>
        inNetns(one, () => {
          throw new Error("in there");
        }),
      /in there/,
    );
    assert.throws(() => inNetns("nobody.here", () => {}), /nobody\.here/);
    assert.equal(readlinkSync("/proc/thread-self/ns/net"), home);
  });
});

describe("the network of a Linux host", () => {
  const open = async (): Promise<{ host: HostNamespace; prefix: string } & AsyncDisposable> => {
    const host = await enterHostNamespace();
    return { host, prefix: podNetnsPrefix(host.nodeName), [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
  };

  it("overlooks what is not Podwire's, or another node's", async () => {
    await using opened = await open();
    await opened.host.ip(
      "route add 198.51.100.0/24 dev podwire0",
      "rule add priority 77 from 198.51.100.0/24 lookup 7",
      "link add other0 type veth peer name other1",
      "netns add another-node.pod",
    );
    try {
      const network = createLinuxNetwork(opened.prefix, nftProgram);
      assert.deepEqual(await network.read(signal), {
        routes: [],
        rules: [],
        devices: [],
        netns: [],
        ruleBase: undefined,
        elements: [],
      });
    } finally {
      await opened.host.ip("netns del another-node.pod");
    }
  });

  it("removes a namespace that was begun and never made", async () => {
    await using opened = await open();
    const name = `${opened.prefix}half`;
    writeFileSync(netnsPath(name), "");
    const network = createLinuxNetwork(opened.prefix, nftProgram);
    assert.deepEqual((await network.read(signal)).netns, [name]);
    await network.apply([{ op: "remove-netns", netns: name }], signal);
    assert.ok(!listNetns().includes(name));
  });

  it("changes no nftables rule where one of several can't be", async () => {
    await using opened = await open();
    const network = createLinuxNetwork(opened.prefix, nftProgram);
    await network.apply(
      [
        {
          op: "set-rule-base",
          base: {
            podRange: parseCidr("10.244.0.0/16"),
            nodeAddress: parseIpv4("192.168.0.1"),
            dnsAddress: parseIpv4("10.96.0.10"),
          },
        },
      ],
      signal,
    );
    const added = { set: "nodes", address: parseIpv4("192.168.0.7") } as const;
    const absent = { set: "nodes", address: parseIpv4("192.168.0.8") } as const;
    await assert.rejects(
      network.apply(
        [
          { op: "add-element", element: added },
          { op: "remove-element", element: absent },
        ],
        signal,
      ),
    );
    assert.deepEqual((await network.read(signal)).elements, []);
  });
});
