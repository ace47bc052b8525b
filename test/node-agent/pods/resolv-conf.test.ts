import assert from "node:assert/strict";
import { Pod } from "#proto/podwire/v1/resources.ts";
import { resolvConfOf } from "../../../node-agent/pods/resolv-conf.ts";

const cluster = "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n";
const ofNode = [
  "# made by somebody",
  "domain old.test",
  "nameserver 192.168.1.1",
  "nameserver 192.168.1.2 ; the second",
  "search office.test",
  "options timeout:1",
  "search lan.test corp.test",
  "",
].join("\n");
const nodes = "search lan.test corp.test\nnameserver 192.168.1.1\nnameserver 192.168.1.2\noptions timeout:1\n";
const own = { nameservers: ["192.0.2.1"], searches: ["a.test"], options: [{ name: "ndots", value: "2" }, { name: "edns0" }] };

function made(spec: object, file = ofNode) {
  const pod = Pod.fromJSON({ metadata: { name: "web", namespace: "shop" }, spec });
  return resolvConfOf({ pod, dnsAddress: "10.96.0.10", ofNode: file });
}

describe("a pod's resolv.conf", () => {
  const rows: readonly (readonly [sentence: string, spec: object, want: string])[] = [
    ["asks the cluster's name server", { dnsPolicy: "ClusterFirst" }, cluster],
    ["does so where the policy is absent", {}, cluster],
    ["is the node's with Default", { dnsPolicy: "Default" }, nodes],
    ["is the node's on the node's network", { dnsPolicy: "ClusterFirst", hostNetwork: true }, nodes],
    [
      "asks the cluster's there with ClusterFirstWithHostNet",
      { dnsPolicy: "ClusterFirstWithHostNet", hostNetwork: true },
      cluster,
    ],
    ["asks the cluster's with ClusterFirstWithHostNet elsewhere too", { dnsPolicy: "ClusterFirstWithHostNet" }, cluster],
    [
      "is what dnsConfig says, and no more, with None",
      { dnsPolicy: "None", dnsConfig: own },
      "search a.test\nnameserver 192.0.2.1\noptions ndots:2 edns0\n",
    ],
    [
      "has what dnsConfig adds, whose options win",
      { dnsPolicy: "ClusterFirst", dnsConfig: own },
      "search shop.svc.cluster.local svc.cluster.local cluster.local a.test\nnameserver 10.96.0.10\nnameserver 192.0.2.1\noptions ndots:2 edns0\n",
    ],
    [
      "has nothing twice",
      { dnsPolicy: "Default", dnsConfig: { nameservers: ["192.168.1.2"], searches: ["lan.test"], options: [] } },
      nodes,
    ],
  ];
  for (const [sentence, spec, want] of rows) {
    it(sentence, () => assert.deepEqual(made(spec), { text: want, warnings: [] }));
  }

  it("is empty where the node has none", () => assert.equal(made({ dnsPolicy: "Default" }, "").text, ""));

  it("has three name servers at most, and says so", () => {
    const { text, warnings } = made({ dnsConfig: { nameservers: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] } });
    assert.equal(text.match(/^nameserver /gm)?.length, 3);
    assert.deepEqual(warnings, [
      "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 192.0.2.1 192.0.2.2",
    ]);
  });

  const many = (count: number, length: number) =>
    Array.from({ length: count }, (_, i) => `${i}`.padStart(length - 5, "x").concat(".test"));
  for (const [sentence, searches, kept] of [
    ["32 search domains", many(32, 20), 32],
    ["2,048 characters of them", many(29, 80), 27],
  ] as const) {
    it(`has ${sentence} at most, and says so`, () => {
      const { text, warnings } = made({ dnsConfig: { searches } });
      const [, ...domains] = text.split("\n")[0]?.split(" ") ?? [];
      assert.equal(domains.length, kept);
      assert.ok(domains.join(" ").length <= 2048);
      assert.match(warnings.join("\n"), /^Search Line limits were exceeded, .* the applied search line is: shop\.svc/);
    });
  }
});
