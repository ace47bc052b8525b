import assert from "node:assert/strict";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { createHosts, onHost } from "#kernel/hosts.ts";
import { createLinuxNetwork } from "#kernel/linux-network.ts";
import { inNetns, listNetns, netnsPath, writeSysctls } from "#kernel/netns.ts";
import { podNetnsPrefix } from "#kernel/network.ts";
import { unwatchedRuleset } from "#kernel/ruleset.ts";
import { run } from "#kernel/run.ts";
import { enterHostNamespace, type HostNamespace } from "../support/host-namespace.ts";

const { signal } = new AbortController();

async function withHosts(): Promise<AsyncDisposable & { readonly names: readonly string[] }> {
  const outside = await enterHostNamespace();
  const names = ["one", "two", "three"].map((name) => `${outside.nodeName}.${name}`);
  const hosts = names.map((name, i) => ({ name, address: parseIpv4(`192.0.2.${i + 1}`) }));
  await createHosts(hosts, parseCidr("192.0.2.0/24"), signal);
  return { names, [Symbol.asyncDispose]: () => outside[Symbol.asyncDispose]() };
}

describe("hosts", () => {
  it("reach each other, and nothing else", async () => {
    await using hosts = await withHosts();
    const [one = "", two = "", three = ""] = hosts.names;
    const on = (name: string, ...argv: string[]) => {
      const [program, ...args] = onHost(name, argv);
      assert.equal(program, "nsenter");
      return run(["nsenter", ...args], { signal });
    };
    await Promise.all([
      on(one, "ping", "-c1", "-W2", "192.0.2.2"),
      on(two, "ping", "-c1", "-W2", "192.0.2.3"),
      on(three, "ping", "-c1", "-W2", "192.0.2.1"),
    ]);
    await assert.rejects(on(one, "ping", "-c1", "-W1", "198.51.100.1"), /unreachable/i);
    await assert.rejects(run(["ping", "-c1", "-W1", "192.0.2.1"], { signal }), /unreachable|exit code/i);
  });
});

describe("inNetns", () => {
  it("works in the other namespace, and comes back", async () => {
    await using hosts = await withHosts();
    const [one = ""] = hosts.names;
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
    await using hosts = await withHosts();
    const [one = ""] = hosts.names;
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
      const network = createLinuxNetwork(opened.prefix, unwatchedRuleset);
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
    const network = createLinuxNetwork(opened.prefix, unwatchedRuleset);
    assert.deepEqual((await network.read(signal)).netns, [name]);
    await network.apply([{ op: "remove-netns", netns: name }], signal);
    assert.ok(!listNetns().includes(name));
  });

  it("changes no nftables rule where one of several can't be", async () => {
    await using opened = await open();
    const network = createLinuxNetwork(opened.prefix, unwatchedRuleset);
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
