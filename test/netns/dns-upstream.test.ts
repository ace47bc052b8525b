/* Names that are not the cluster's, by way of name servers on the node's network. */

import assert from "node:assert/strict";
import { encode } from "dns-packet";
import { parseCidr } from "#core/cidr.ts";
import { allocateMemory } from "#kernel/ffi.ts";
import { tunName } from "#kernel/network.ts";
import { openTun } from "#kernel/tun.ts";
import { dnsService, dnsView } from "../support/dns-objects.ts";
import { playUpstream } from "../support/fake-upstream.ts";
import { frame, ipv4Packet, udpDatagram } from "../support/packets.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { answers, dnsHost, openDnsLab } from "./dns-lab.ts";
import { makePod } from "./pod-lab.ts";

const idle = ["sleep", "infinity"];
const onNode = { host: "192.168.0.1" };
const address =
  (data: string) => (query: { readonly questions?: { readonly name: string; readonly type: string }[] | undefined }) => {
    const [{ name = "", type = "" } = {}] = query.questions ?? [];
    return { answers: type === "A" ? [{ name, type: "A" as const, ttl: 60, data }] : [] };
  };

describe("DNS configMap nameserver", () => {
  before(requireSandbox);

  it("Change stubDomain, Forward external name lookup: names go to the upstream that knows them", async () => {
    await using lab = await openDnsLab();
    await using all = await playUpstream(address("192.0.2.1"), { ...onNode, port: 5301 });
    await using corp = await playUpstream(address("192.0.2.2"), { ...onNode, port: 5302 });
    lab.startDns({ upstream: "192.168.0.1:5301", stub: "acme.local=192.168.0.1:5302" });
    const pod = makePod("client", idle);
    lab.agent.set(pod);
    await lab.agent.running(pod);
    lab.set([dnsService("outside", { type: "ExternalName", externalName: "dns.google.com" }, "default")]);
    await answers(lab);
    const getent = (name: string) => lab.inContainer(pod, "getent", "ahostsv4", name);
    assert.match(await getent("abc.acme.local"), /^192\.0\.2\.2 /);
    assert.match(await getent("www.example.com"), /^192\.0\.2\.1 /);
    assert.match(await getent("outside"), /^192\.0\.2\.1 .*\bdns\.google\.com$/m);
    assert.ok(
      corp.asked.every((question) => question.startsWith("abc.acme.local ")),
      String(corp.asked),
    );
    assert.ok(
      all.asked.every((question) => !question.includes("cluster.local")),
      String(all.asked),
    );
    assert.match(await lab.dig(["www.example.com"], pod), /flags: qr rd ra;/);
  });

  it("Forward PTR lookup: addresses that are not the cluster's", async () => {
    await using lab = await openDnsLab();
    await using upstream = await playUpstream(
      ({ questions: [{ name = "" } = {}] = [] }) => ({ answers: [{ name, type: "PTR", ttl: 60, data: "dns.google" }] }),
      { ...onNode, port: 5301 },
    );
    lab.startDns({ upstream: "192.168.0.1:5301" });
    lab.set([]);
    await answers(lab);
    assert.equal(await lab.dig(["+short", "-x", "8.8.8.8"]), "dns.google.");
    assert.match(await lab.dig(["-x", "10.96.44.44"]), /status: NXDOMAIN/);
    assert.deepEqual(upstream.asked, ["8.8.8.8.in-addr.arpa PTR udp"]);
  });

  it("should support configurable pod resolv.conf: a name server of the pod's own", async () => {
    await using lab = await openDnsLab();
    await using own = await playUpstream(address("192.0.2.3"), { ...onNode, port: 53 });
    const dnsConfig = {
      nameservers: ["192.168.0.1"],
      searches: ["resolv.conf.local"],
      options: [{ name: "ndots", value: "2" }],
    };
    const pod = makePod("configured", idle, { spec: { dnsPolicy: "None", dnsConfig } });
    lab.agent.set(pod);
    await lab.agent.running(pod);
    assert.equal(
      await lab.inContainer(pod, "cat", "/etc/resolv.conf"),
      "search resolv.conf.local\nnameserver 192.168.0.1\noptions ndots:2",
    );
    assert.match(await lab.inContainer(pod, "getent", "ahostsv4", "notexistname"), /^192\.0\.2\.3 /);
    assert.equal(own.asked[0], "notexistname.resolv.conf.local A udp");
  });

  it("should work with the pod containing more than 6 DNS search paths and longer than 256 search list characters", async () => {
    await using lab = await openDnsLab();
    await using upstream = await playUpstream(() => ({ flags: 3 }), { ...onNode, port: 5301 });
    lab.startDns({ upstream: "192.168.0.1:5301" });
    const searches = Array.from({ length: 20 }, (_, i) => `${"x".repeat(20)}-${i}.test`);
    const pod = makePod("searching", idle, { spec: { dnsConfig: { searches: [...searches, "other.svc.cluster.local"] } } });
    lab.agent.set(pod);
    await lab.agent.running(pod);
    lab.set([dnsService("far", { clusterIP: "10.96.9.9", ports: [{ port: 80 }] }, "other")]);
    await answers(lab);
    assert.match(await lab.inContainer(pod, "getent", "ahostsv4", "far"), /^10\.96\.9\.9 /);
    assert.deepEqual(
      upstream.asked,
      searches.map((search) => `far.${search} A udp`),
    );
  });

  it("says SERVFAIL in time where no upstream is there", async () => {
    await using lab = await openDnsLab();
    lab.startDns({ upstream: "192.168.0.1:5309,192.168.0.1:5308" });
    lab.set([]);
    await answers(lab);
    assert.match(await lab.dig(["www.example.com"]), /status: SERVFAIL/);
  });
});

describe("a node's name server", () => {
  before(requireSandbox);

  it("answers as it did last, in an agent that starts while the control plane is away", async () => {
    await using lab = await openDnsLab();
    const first = lab.startDns();
    lab.set([dnsService("web", { clusterIP: "10.96.1.1", ports: [{ port: 80 }] }, "default")]);
    await answers(lab);
    assert.equal(await lab.dig(["+short", "web.default.svc.cluster.local"]), "10.96.1.1");
    await first[Symbol.asyncDispose]();
    await assert.rejects(lab.dig(["web.default.svc.cluster.local"]));
    lab.startDns();
    await answers(lab);
    assert.equal(await lab.dig(["+short", "web.default.svc.cluster.local"]), "10.96.1.1");
  });

  it("drops a datagram that can't be answered, from port 0, and goes on", async () => {
    await using lab = await openDnsLab();
    const { dns } = lab.startDns();
    lab.set([]);
    await answers(lab);
    using tun = openTun({ name: tunName, offload: false });
    const query = encode({ questions: [{ name: "cluster.local", type: "SOA" }] });
    const bytes = frame(ipv4Packet({ from: "10.244.9.9", to: dnsHost, protocol: 17, payload: udpDatagram(0, 53, query) }));
    const memory = allocateMemory(bytes.length);
    memory.bytes.set(bytes);
    assert.ok(tun.write(memory, 0, bytes.length));
    await until(() => dns.counters.dropped.unsent === 1, "the drop to be counted");
    await answers(lab);
  });

  it("is not a pod's, whatever host port that has", async () => {
    await using lab = await openDnsLab();
    lab.startDns();
    const ports = ["TCP", "UDP"].map((protocol) => ({ containerPort: 5353, hostPort: 53, protocol }));
    const pod = makePod("other-server", [], { containers: [{ name: "c", image: "any", command: idle, ports }] });
    lab.agent.set(pod);
    await lab.agent.running(pod);
    lab.set([]);
    await answers(lab);
    for (const transport of ["+tcp", "+notcp"]) {
      assert.equal(await lab.dig([transport, "+short", "ns.dns.cluster.local"], pod), "10.96.0.10");
    }
  });

  it("moves with the range of Services", async () => {
    await using lab = await openDnsLab();
    const { dns } = lab.startDns();
    lab.set([]);
    await answers(lab);
    await lab.pods.host.ip("route add local 10.97.0.10 dev lo");
    dns.set({ ...dnsView([]), serviceRange: parseCidr("10.97.0.0/16") });
    await until(
      async () => (await lab.dig(["@10.97.0.10", "+short", "ns.dns.cluster.local"]).catch(() => "")) === "10.97.0.10",
      "it",
    );
    await assert.rejects(lab.dig(["cluster.local"]));
  });

  it("has its address again when somebody took it away", async () => {
    await using lab = await openDnsLab();
    lab.startDns();
    lab.set([]);
    await answers(lab);
    await lab.pods.host.ip("route del local 10.96.0.10 table local");
    await answers(lab);
  });
});
