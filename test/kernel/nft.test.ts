import assert from "node:assert/strict";
import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import type { RuleBase } from "#kernel/network.ts";
import { digestOf, parseTable, renderElement, renderRuleBase } from "#kernel/nft.ts";

const base: RuleBase = {
  podRange: parseCidr("10.244.0.0/16"),
  nodeAddress: parseIpv4("192.168.0.1"),
  dnsAddress: parseIpv4("10.96.0.10"),
};
const other: RuleBase = { ...base, nodeAddress: parseIpv4("192.168.0.2") };

describe("the nftables table", () => {
  it("has a digest for each rule base, the same each time", () => {
    assert.equal(digestOf(base), digestOf({ ...base }));
    assert.notEqual(digestOf(base), digestOf(other));
    assert.notEqual(digestOf(base), digestOf({ ...base, podRange: parseCidr("10.245.0.0/16") }));
    assert.match(digestOf(base), /^[0-9a-f]{16}$/);
  });

  it("is never deleted or flushed as a whole, nor are its sets", () => {
    for (const line of renderRuleBase(base, digestOf(other))) assert.doesNotMatch(line, /^(delete|flush) (table|set)/);
  });

  it("loses the mark of the rule base that it replaces, and no other", () => {
    const deletions = (stale: string | undefined) => renderRuleBase(base, stale).filter((line) => line.startsWith("delete"));
    assert.deepEqual(deletions(digestOf(other)), [`delete chain ip podwire base_${digestOf(other)}`]);
    assert.deepEqual(deletions(digestOf(base)), []);
    assert.deepEqual(deletions(undefined), []);
  });

  it("names elements of sets and maps", () => {
    const address = parseIpv4("10.244.1.2");
    assert.equal(
      renderElement("add", { set: "pods", device: "pwabc", address }),
      'add element ip podwire pods { "pwabc" . 10.244.1.2 }',
    );
    assert.equal(renderElement("delete", { set: "nodes", address }), "delete element ip podwire nodes { 10.244.1.2 }");
    const port = { set: "hostPorts", address, protocol: "tcp", port: 80, containerPort: 8080 } as const;
    assert.equal(renderElement("add", port), "add element ip podwire host_ports { tcp . 80 : 10.244.1.2 . 8080 }");
    assert.equal(
      renderElement("delete", { ...port, hostAddress: parseIpv4("192.168.0.1") }),
      "delete element ip podwire host_address_ports { 192.168.0.1 . tcp . 80 : 10.244.1.2 . 8080 }",
    );
  });

  it("reads its mark and its elements from nft's answer", () => {
    const json = {
      nftables: [
        { metainfo: { version: "1.0.6" } },
        { table: { family: "ip", name: "podwire", handle: 1 } },
        { set: { name: "pods", elem: [{ concat: ["pwabc", "10.244.1.2"] }, { concat: ["pwdef", "10.244.1.3"] }] } },
        { set: { name: "nodes", elem: ["192.168.0.1"] } },
        { set: { name: "another", elem: [80] } },
        { map: { name: "host_ports", elem: [[{ concat: ["tcp", 80] }, { concat: ["10.244.1.2", 8080] }]] } },
        {
          map: { name: "host_address_ports", elem: [[{ concat: ["192.168.0.1", "udp", 53] }, { concat: ["10.244.1.3", 5353] }]] },
        },
        { map: { name: "another_map" } },
        { chain: { name: "antispoof" } },
        { chain: { name: "base_0123456789abcdef" } },
        { rule: { chain: "antispoof", expr: [] } },
      ],
    };
    assert.deepEqual(parseTable(JSON.stringify(json)), {
      ruleBase: "0123456789abcdef",
      elements: [
        { set: "pods", device: "pwabc", address: parseIpv4("10.244.1.2") },
        { set: "pods", device: "pwdef", address: parseIpv4("10.244.1.3") },
        { set: "nodes", address: parseIpv4("192.168.0.1") },
        { set: "hostPorts", address: parseIpv4("10.244.1.2"), protocol: "tcp", port: 80, containerPort: 8080 },
        {
          ...{ set: "hostPorts", address: parseIpv4("10.244.1.3"), protocol: "udp", port: 53, containerPort: 5353 },
          hostAddress: parseIpv4("192.168.0.1"),
        },
      ],
    });
  });

  it("reads empty sets", () => {
    const json = { nftables: [{ set: { name: "pods" } }, { set: { name: "nodes" } }] };
    assert.deepEqual(parseTable(JSON.stringify(json)), { ruleBase: undefined, elements: [] });
  });
});
