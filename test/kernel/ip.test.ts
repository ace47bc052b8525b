import assert from "node:assert/strict";
import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { parseDevices, parseForeignRoutes, parseRoutes, parseRules, renderRoute, renderRule } from "#kernel/ip.ts";
import { localTable, mainTable, podTable, type Route } from "#kernel/network.ts";

const source = parseIpv4("192.168.0.1");

describe("ip's answers", () => {
  const routes: readonly (readonly [sentence: string, json: object, want: Route])[] = [
    [
      "a block behind a device",
      { dst: "10.244.0.0/16", dev: "podwire0", protocol: "112", scope: "253", prefsrc: "192.168.0.1", flags: ["linkdown"] },
      { table: mainTable, destination: parseCidr("10.244.0.0/16"), to: { device: "podwire0", source } },
    ],
    [
      "one address, in another table",
      { dst: "192.168.0.2", dev: "podwire0", table: "100", protocol: "112", scope: "253", flags: [] },
      { table: podTable, destination: parseCidr("192.168.0.2/32"), to: { device: "podwire0" } },
    ],
    [
      "an unreachable block, its type a number",
      { type: "7", dst: "10.244.1.0/24", protocol: "112", flags: [] },
      { table: mainTable, destination: parseCidr("10.244.1.0/24"), to: "unreachable" },
    ],
    [
      "an unreachable block, its type a word",
      { type: "unreachable", dst: "10.244.1.0/24", dev: "lo", protocol: "112", metric: 4278198272 },
      { table: mainTable, destination: parseCidr("10.244.1.0/24"), to: "unreachable" },
    ],
    [
      "the default route",
      { dst: "default", dev: "podwire0", table: "100", protocol: "112" },
      { table: podTable, destination: parseCidr("0.0.0.0/0"), to: { device: "podwire0" } },
    ],
  ];
  for (const [sentence, json, want] of routes) {
    it(`reads ${sentence}`, () => assert.deepEqual(parseRoutes(JSON.stringify([json])), [want]));
  }

  it("overlooks routes that are not ours", () => {
    const others = [
      { dst: "default", gateway: "192.168.0.254", dev: "eth0", protocol: "3" },
      { dst: "192.168.0.0/24", dev: "eth0", protocol: "2", scope: "253", prefsrc: "192.168.0.1" },
      { type: "2", dst: "127.0.0.1", dev: "lo", table: "255", protocol: "2" },
      { dst: "10.0.0.0/8", dev: "eth0" },
    ];
    assert.deepEqual(parseRoutes(JSON.stringify(others)), []);
  });

  it("reads where others lead packets, and overlooks our routes and default routes", () => {
    const routes = [
      { dst: "default", gateway: "192.168.0.254", dev: "eth0", protocol: "3" },
      { dst: "192.168.0.0/24", dev: "eth0", protocol: "2", scope: "253", prefsrc: "192.168.0.1" },
      { type: "2", dst: "192.168.0.1", dev: "eth0", table: "255", protocol: "2" },
      { type: "7", dst: "10.0.0.0/8", protocol: "3" },
      { dst: "10.244.0.0/16", dev: "podwire0", protocol: "112" },
    ];
    assert.deepEqual(parseForeignRoutes(JSON.stringify(routes)), [
      { destination: parseCidr("192.168.0.0/24"), device: "eth0" },
      { destination: parseCidr("192.168.0.1/32"), device: "eth0" },
      { destination: parseCidr("10.0.0.0/8"), device: undefined },
    ]);
  });

  it("reads our rules and overlooks the kernel's", () => {
    const json = [
      { priority: 0, src: "all", table: "255" },
      { priority: 90, src: "all", fwmark: "0x10000", fwmask: "0x10000", table: "254", protocol: "112" },
      { priority: 91, src: "all", fwmark: "0x1", table: "254" },
      { priority: 100, src: "10.244.1.0", srclen: 24, table: "100", protocol: "112" },
      { priority: 101, src: "10.244.1.7", table: "100", protocol: "112" },
      { priority: 200, src: "10.0.0.0", srclen: 8, table: "7", protocol: "3" },
      { priority: 32766, src: "all", table: "254" },
    ];
    assert.deepEqual(parseRules(JSON.stringify(json)), [
      { priority: 90, mark: 0x10000, table: mainTable },
      { priority: 100, from: parseCidr("10.244.1.0/24"), table: podTable },
      { priority: 101, from: parseCidr("10.244.1.7/32"), table: podTable },
    ]);
  });

  it("takes silence for an empty list", () => {
    assert.deepEqual([parseRoutes(""), parseRules("\n"), parseDevices("")], [[], [], []]);
  });

  it("reads devices' names without their peers'", () => {
    assert.deepEqual(parseDevices(JSON.stringify([{ ifname: "lo" }, { ifname: "pwabc", link: "eth0" }])), ["lo", "pwabc"]);
  });

  for (const text of ["{", '[{"dst":"10.244.1.0/240","protocol":"112"}]']) {
    it(`throws on ${text}`, () => assert.throws(() => parseRoutes(text)));
  }
});

describe("lines for ip", () => {
  const route: Route = { table: podTable, destination: parseCidr("192.168.0.2/32"), to: { device: "podwire0" } };
  for (const [sentence, line, want] of [
    ["a route", renderRoute("replace", route), "route replace 192.168.0.2/32 dev podwire0 table 100 protocol 112"],
    [
      "a route with a source",
      renderRoute("del", { ...route, to: { device: "podwire0", source } }),
      "route del 192.168.0.2/32 dev podwire0 src 192.168.0.1 table 100 protocol 112",
    ],
    [
      "an unreachable route",
      renderRoute("replace", { ...route, to: "unreachable" }),
      "route replace unreachable 192.168.0.2/32 table 100 protocol 112",
    ],
    [
      "a route to the host itself",
      renderRoute("replace", { ...route, table: localTable }),
      "route replace local 192.168.0.2/32 dev podwire0 table 255 protocol 112",
    ],
    [
      "a rule",
      renderRule("add", { priority: 100, from: parseCidr("10.244.1.0/24"), table: podTable }),
      "rule add priority 100 from 10.244.1.0/24 lookup 100 protocol 112",
    ],
    [
      "a rule for marked packets",
      renderRule("add", { priority: 90, mark: 0x10000, table: mainTable }),
      "rule add priority 90 fwmark 65536/65536 lookup 254 protocol 112",
    ],
  ] as const) {
    it(`say ${sentence}`, () => assert.equal(line, want));
  }
});
