/* Names as programs in pods and on nodes get them: dig and getent are the judges. Each test is named after the row of Kubernetes'
 * own end-to-end tests that it stands for, or says what else it is about. */

import assert from "node:assert/strict";
import type { EndpointSlice, Pod, Service } from "#proto/podwire/v1/resources.ts";
import { dnsService, dnsSlice } from "../support/dns-objects.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { answers, type DnsLab, openDnsLab } from "./dns-lab.ts";
import { makePod } from "./pod-lab.ts";

const idle = ["sleep", "infinity"];
const domain = "default.svc.cluster.local";
const inDefault = { namespace: "default" };
const web = dnsService("web", { clusterIP: "10.96.1.1", ports: [{ name: "http", port: 80 }] }, "default");
const kubernetes = dnsService("kubernetes", { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] }, "default");
const headless = dnsService("headless", { clusterIP: "None", ports: [{ name: "http", port: 80 }] }, "default");
const endpoints = ["10.244.2.2", "10.244.2.3"].map((address) => ({ addresses: [address] }));
const ofHeadless = dnsSlice("headless", { ports: [{ name: "http", port: 8080 }], endpoints }, inDefault);
const client = makePod("client", idle);

describe("DNS", () => {
  let lab: DnsLab;
  before(async () => {
    requireSandbox();
    lab = await openDnsLab();
    lab.startDns();
    lab.agent.set(client);
    await lab.agent.running(client);
  });
  after(() => lab[Symbol.asyncDispose]());

  const set = async (services: readonly Service[], slices: readonly EndpointSlice[] = []) => {
    lab.set(services, slices);
    await answers(lab);
  };
  const run = async (...pods: readonly Pod[]) => {
    lab.agent.set(client, ...pods);
    await lab.agent.running(...pods);
  };
  const lines = (text: string) => text.split("\n").toSorted();
  const short = async (...args: readonly string[]) => lines(await lab.dig(["+short", ...args], client));
  const status = async (...args: readonly string[]) => /status: ([A-Z]+)/.exec(await lab.dig(args, client))?.[1];
  const addressOf = async (name: string, pod = client) => (await lab.inContainer(pod, "getent", "ahostsv4", name)).split(/\s/)[0];
  const resolves = async (names: readonly string[], address: string, pod = client) => {
    for (const name of names) assert.equal(await addressOf(name, pod), address, name);
  };

  for (const transport of ["+notcp", "+tcp"]) {
    it(`should provide DNS for services, ${transport.slice(1)}`, async () => {
      await set([web, headless], [ofHeadless]);
      assert.deepEqual(await short(transport, `web.${domain}`), ["10.96.1.1"]);
      assert.deepEqual(await short(transport, "SRV", `_http._tcp.web.${domain}`), [`0 100 80 web.${domain}.`]);
      assert.deepEqual(await short(transport, "-x", "10.96.1.1"), [`web.${domain}.`]);
      assert.deepEqual(await short(transport, `headless.${domain}`), ["10.244.2.2", "10.244.2.3"]);
      assert.deepEqual(await short(transport, "SRV", `_http._tcp.headless.${domain}`), [
        `0 50 8080 10-244-2-2.headless.${domain}.`,
        `0 50 8080 10-244-2-3.headless.${domain}.`,
      ]);
      assert.deepEqual(await short(transport, "-x", "10.244.2.3"), [`10-244-2-3.headless.${domain}.`]);
    });
  }

  it("should provide DNS for the cluster", async () => {
    await set([kubernetes]);
    await resolves(["kubernetes.default.svc.cluster.local"], "10.96.0.1");
    assert.deepEqual(await short("TXT", "dns-version.cluster.local"), ['"1.1.0"']);
  });

  it("should resolve DNS of partial qualified names for the cluster", async () => {
    await set([kubernetes]);
    await resolves(["kubernetes", "kubernetes.default", "kubernetes.default.svc"], "10.96.0.1");
  });

  it("should resolve DNS of partial qualified names for services", async () => {
    await set([web]);
    await resolves(["web", "web.default", "web.default.svc", `web.${domain}`, "WEB.Default"], "10.96.1.1");
    for (const name of ["_http._tcp.web", "_http._tcp.web.default", "_http._tcp.web.default.svc"]) {
      assert.equal(await lab.inContainer(client, "dig", "+short", "+search", "SRV", name), `0 100 80 web.${domain}.`, name);
    }
    assert.equal(await addressOf("nobody"), "");
  });

  it("should provide DNS for pods for Hostname and for Subdomain, and /etc/hosts entries for the cluster", async () => {
    const querier = makePod("querier", idle, { spec: { hostname: "querier-2", subdomain: "headless" } });
    await run(querier);
    const address = lab.agent.status(querier)?.podIP ?? "";
    const slice = dnsSlice("headless", { endpoints: [{ addresses: [address], hostname: "querier-2" }] }, inDefault);
    await set([headless], [slice]);
    await resolves([`querier-2.headless.${domain}`, `headless.${domain}`, "querier-2.headless"], address);
    assert.deepEqual(await short("-x", address), [`querier-2.headless.${domain}.`]);
    await resolves(["querier-2", `querier-2.headless.${domain}`], address, querier);
    assert.equal(await lab.inContainer(querier, "hostname", "--fqdn"), `querier-2.headless.${domain}`);
    const unready = dnsSlice(
      "headless",
      { endpoints: [{ addresses: [address], hostname: "querier-2", conditions: { ready: false } }] },
      inDefault,
    );
    await set([headless], [unready]);
    assert.equal(await status(`querier-2.headless.${domain}`), "NXDOMAIN");
  });

  it("should provide DNS for ExternalName services", async () => {
    const external = (externalName: string) => dnsService("outside", { type: "ExternalName", externalName }, "default");
    await set([external("foo.example.com")]);
    assert.deepEqual(await short("CNAME", `outside.${domain}`), ["foo.example.com."]);
    await set([external("bar.example.com")]);
    assert.deepEqual(await short("CNAME", `outside.${domain}`), ["bar.example.com."]);
    await set([dnsService("outside", { clusterIP: "10.96.7.7", ports: [{ port: 80 }] }, "default")]);
    assert.deepEqual(await short("A", `outside.${domain}`), ["10.96.7.7"]);
  });

  it("should support configurable pod DNS nameservers", async () => {
    const dnsConfig = { nameservers: ["1.1.1.1"], searches: ["resolv.conf.local"] };
    const pod = makePod("none", idle, { spec: { dnsPolicy: "None", dnsConfig } });
    await run(pod);
    assert.equal(await lab.inContainer(pod, "cat", "/etc/resolv.conf"), "search resolv.conf.local\nnameserver 1.1.1.1");
  });

  it("should resolve DNS of partial qualified names for services on hostNetwork pods with dnsPolicy: ClusterFirstWithHostNet", async () => {
    const hostNetwork = (dnsPolicy: string) => makePod(dnsPolicy.toLowerCase(), idle, { spec: { hostNetwork: true, dnsPolicy } });
    const [withHostNet, first] = [hostNetwork("ClusterFirstWithHostNet"), hostNetwork("ClusterFirst")];
    await run(withHostNet, first);
    await set([web]);
    await resolves(["web", "web.default", "web.default.svc", `web.${domain}`], "10.96.1.1", withHostNet);
    assert.equal(await lab.inContainer(first, "cat", "/etc/resolv.conf"), "nameserver 192.168.0.1");
  });

  it("gives a warning where a pod has more than three name servers", async () => {
    const pod = makePod("greedy", idle, { spec: { dnsConfig: { nameservers: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] } } });
    await run(pod);
    const event = await until(
      () => lab.agent.events.find(({ name, reason }) => name === "greedy" && reason === "DNSConfigForming"),
      "it",
    );
    assert.equal(event.type, "Warning");
    assert.match(event.message, /the applied nameserver line is: 10\.96\.0\.10 192\.0\.2\.1 192\.0\.2\.2$/);
  });

  it("answers the node itself, under its own address", async () => {
    await set([web]);
    assert.equal(await lab.dig(["+short", `web.${domain}`]), "10.96.1.1");
  });

  it("tells names without such a record from names that are not there, and says how long that is good", async () => {
    await set([web]);
    assert.equal(await status("AAAA", `web.${domain}`), "NOERROR");
    assert.equal(await status("A", `nobody.${domain}`), "NXDOMAIN");
    assert.equal(await status("A", "example.com"), "REFUSED");
    assert.match(await lab.dig(["+noall", "+authority", `nobody.${domain}`], client), /^cluster\.local\.\s+5\s+IN\s+SOA\s/);
  });

  it("has a pod's address under the name that says it", async () => {
    assert.deepEqual(await short("10-244-1-77.default.pod.cluster.local"), ["10.244.1.77"]);
  });

  it("gives all of a big answer over TCP, with EDNS or without", async () => {
    const many = Array.from({ length: 200 }, (_, i) => ({ addresses: [`10.244.9.${i}`] }));
    await set([headless], [dnsSlice("headless", { endpoints: many }, inDefault)]);
    for (const edns of ["+edns=0", "+noedns"]) {
      assert.match(await lab.dig([edns, "+ignore", `headless.${domain}`], client), /flags: qr aa tc/);
      assert.equal((await short(edns, `headless.${domain}`)).filter((line) => line.startsWith("10.")).length, 200);
    }
  });

  it("keeps a connection for several questions", async () => {
    await set([web, kubernetes]);
    const names = [`web.${domain}`, `kubernetes.${domain}`, `web.${domain}`];
    assert.deepEqual(await short("+tcp", "+keepopen", ...names), ["10.96.0.1", "10.96.1.1", "10.96.1.1"]);
  });
});
