/* `podwire verify` is right when it says yes, and when it says no. */

import assert from "node:assert/strict";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { serverPod } from "../support/pod-manifests.ts";
import { until } from "../support/until.ts";

interface Report {
  readonly holds: boolean;
  readonly rules: readonly {
    readonly rule: string;
    readonly passed: number;
    readonly total: number;
    readonly failures: readonly string[];
  }[];
}

describe("podwire verify", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
  });

  after(() => cluster[Symbol.asyncDispose]());

  const nothingOfItLeft = async () => {
    assert.doesNotMatch(await cluster.run("get", "namespaces", "-o", "name"), /podwire-verify/);
    assert.equal((await cluster.podwire("get", "pods", "-A", "-o", "name")).stdout, "");
  };
  const json = async () => {
    const { code, stdout } = await cluster.podwire("verify", "-o", "json");
    return { code, ...(JSON.parse(stdout) as Report) };
  };

  it("prints a table of rules that hold, tells what it does, and leaves nothing", async () => {
    const { code, stdout, stderr } = await cluster.podwire("verify");
    assert.equal(code, 0, stdout);
    const rows = stdout.split("\n").filter((line) => /^[✓✗]/.test(line));
    assert.equal(rows.length, 18);
    assert.ok(rows.every((row) => row.startsWith("✓")));
    assert.match(stdout, /The network model holds: 18 rules, [0-9]+ checks\./);
    assert.match(
      stderr,
      /^Starting 6 pods that probe each other on 2 nodes, in namespace podwire-verify-[0-9a-f]+\nRunning [0-9]+ checks\n/,
    );
    await nothingOfItLeft();
  });

  it("names the pairs that fail, and only those, where packets are lost for real", async () => {
    const { podCIDR: from } = (await cluster.node("node-1")).spec ?? {};
    const { podCIDR: to } = (await cluster.node("node-2")).spec ?? {};
    const drop = `ip saddr ${from} ip daddr ${to} icmp type echo-request drop`;
    await cluster.onHost("node-1", "nft", `table ip broken { chain c { type filter hook forward priority 0; ${drop}; }; }`);
    const { code, holds, rules } = await json();
    await cluster.onHost("node-1", "nft", "delete table ip broken");
    assert.deepEqual([code, holds], [1, false]);
    const failing = rules.filter(({ passed, total }) => passed < total);
    assert.deepEqual(
      failing.map(({ rule, passed, total }) => ({ rule, lost: total - passed })),
      [{ rule: "pods reach pods on other nodes", lost: 4 }],
    );
    assert.deepEqual(failing.flatMap(({ failures }) => [...failures]).sort(), [
      "a-node-1 → a-node-2 icmp: no echo reply",
      "a-node-1 → b-node-2 icmp: no echo reply",
      "b-node-1 → a-node-2 icmp: no echo reply",
      "b-node-1 → b-node-2 icmp: no echo reply",
    ]);
    await nothingOfItLeft();
  });

  it("sees an address that was translated", async () => {
    const { podCIDR } = (await cluster.node("node-1")).spec ?? {};
    const snat = `ip saddr ${podCIDR} udp dport 19777 snat to 10.244.77.77`;
    await cluster.onHost("node-2", "nft", `table ip broken { chain c { type nat hook input priority 0; ${snat}; }; }`);
    await cluster.onHost("node-2", "nft", `table ip broken { chain d { type nat hook postrouting priority 0; ${snat}; }; }`);
    const { code, stdout } = await cluster.podwire("verify");
    await cluster.onHost("node-2", "nft", "delete table ip broken");
    assert.equal(code, 1);
    assert.match(stdout, /^✗ +no NAT: a server sees the sender's own address/m);
    assert.match(stdout, /a-node-1 → a-node-2 udp: seen as 10\.244\.77\.77, is 10\.244\./);
    assert.match(stdout, /The network model does not hold: [0-9]+ of [0-9]+ checks failed\./);
  });

  for (const when of ["Starting", "Running", "checks done", "Making pods anew"]) {
    it(`removes what it made when it is interrupted at "${when}"`, async () => {
      await using run = cluster.start("verify");
      await run.says(when);
      run.process.kill("SIGINT");
      assert.equal((await run.result).code, 130);
      await nothingOfItLeft();
    });
  }

  it("holds again after somebody took a node's routes, rules and sets away", async () => {
    const [server] = await cluster.makePods(serverPod("server", { node: "node-2" }), serverPod("client", { node: "node-1" }));
    const url = `http://${server?.status?.podIP}:8080/`;
    const reach = async () => (await cluster.podwire("exec", "client", "-q", "--", "curl", "-sf", "-m", "1", url)).code === 0;
    assert.ok(await reach());
    const takeAway = async () => {
      await cluster.onHost("node-2", "ip", "rule", "del", "pref", "100");
      await cluster.onHost("node-2", "nft", "flush ruleset");
      await cluster.onHost("node-2", "ip", "route", "del", `${server?.status?.podIP}/32`);
    };
    // The agent looks every few seconds, and may have brought all back before anybody noticed.
    await until(async () => {
      if (await rulesAreBack()) await takeAway();
      return !(await reach());
    }, "the network to be gone");
    await until(async () => (await rulesAreBack()) && (await reach()), "the way back", 15_000);
    await cluster.run("delete", "pod", "server", "client", "--grace-period=0", "--force");
    assert.deepEqual((await json()).code, 0);
  });

  const rulesAreBack = async () => {
    const rules = await cluster.onHost("node-2", "ip", "rule", "list", "pref", "100");
    const tables = await cluster.onHost("node-2", "nft", "list", "tables");
    return rules !== "" && tables !== "";
  };
});
