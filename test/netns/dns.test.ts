/* Names as programs in pods and on nodes get them: dig and getent are the judges. */

import assert from "node:assert/strict";
import { dnsService } from "../support/dns-objects.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { answers, type DnsLab, openDnsLab } from "./dns-lab.ts";
import { makePod } from "./pod-lab.ts";

const web = dnsService("web", { clusterIP: "10.96.1.1", ports: [{ name: "http", port: 80 }] }, "default");
const kubernetes = dnsService("kubernetes", { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] }, "default");
const client = makePod("client", ["sleep", "infinity"]);

describe("cluster DNS", () => {
  let lab: DnsLab;
  before(async () => {
    requireSandbox();
    lab = await openDnsLab();
    lab.startDns();
    lab.set([web, kubernetes]);
    lab.agent.set(client);
    await lab.agent.running(client);
    await answers(lab);
  });
  after(() => lab[Symbol.asyncDispose]());

  const short = async (...args: readonly string[]) =>
    (await lab.dig(["+short", ...args], client)).split("\n").toSorted().join("\n");

  for (const transport of ["+notcp", "+tcp"]) {
    it(`should provide DNS for services ${transport}`, async () => {
      assert.equal(await short(transport, "web.default.svc.cluster.local"), "10.96.1.1");
      assert.equal(
        await short(transport, "SRV", "_http._tcp.web.default.svc.cluster.local"),
        "0 100 80 web.default.svc.cluster.local.",
      );
      assert.equal(await short(transport, "-x", "10.96.1.1"), "web.default.svc.cluster.local.");
    });
  }

  it("should resolve DNS of partial qualified names for services", async () => {
    for (const name of ["web", "web.default", "web.default.svc", "web.default.svc.cluster.local", "WEB.default"]) {
      assert.match(await lab.inContainer(client, "getent", "ahostsv4", name), /^10\.96\.1\.1 /, name);
    }
  });
});
