import assert from "node:assert/strict";
import type { Answer } from "dns-packet";
import fc from "fast-check";
import { createZone, type Zone, type ZoneAnswer } from "../../../node-agent/dns/zone.ts";
import { dnsService, dnsSlice, dnsView, ranges } from "../../support/dns-objects.ts";

function zoneOf(...objects: Parameters<typeof dnsView>): Zone {
  const zone = createZone({ ...ranges, ttlSeconds: 5 });
  const { services, endpointSlices } = dnsView(...objects);
  zone.set(services, endpointSlices);
  return zone;
}

/** A record as dig shows it, without TTL and class. */
function line(record: Answer): string {
  switch (record.type) {
    case "SRV":
      return `${record.name} SRV ${record.data.priority} ${record.data.weight} ${record.data.port} ${record.data.target}`;
    case "SOA":
      return `${record.name} SOA ${record.data.mname} ${record.data.rname}`;
    default:
      return `${record.name} ${record.type} ${"data" in record ? record.data : ""}`;
  }
}

function told(answer: ZoneAnswer): string {
  switch (answer.found) {
    case "records":
      return answer.answers.map(line).toSorted().join("\n");
    case "outside":
      return "outside";
    default:
      return [...answer.answers.map(line), answer.found].join("\n");
  }
}

const web = dnsService("web", {
  clusterIP: "10.96.1.1",
  ports: [
    { name: "http", port: 80, targetPort: 8080 },
    { name: "dns", port: 53, protocol: "UDP" },
    { port: 9000, protocol: "TCP" },
  ],
});
const database = dnsService("db", { clusterIP: "None", ports: [{ name: "sql", port: 5432 }] });
const outside = dnsService("outside", { type: "ExternalName", externalName: "www.Example.com." });
const inside = dnsService("inside", { type: "ExternalName", externalName: "web.shop.svc.cluster.local" });
const numeric = dnsService("numeric", { type: "ExternalName", externalName: "192.0.2.1" });
const long = dnsService("long", { type: "ExternalName", externalName: `${"x".repeat(64)}.test` });
const loop = dnsService("loop", { type: "ExternalName", externalName: "loop.shop.svc.cluster.local" });
const empty = dnsService("empty", { clusterIP: "None", ports: [{ name: "sql", port: 5432 }] });
const pending = dnsService("pending", { ports: [{ port: 80 }] });
const services = [web, database, outside, inside, numeric, long, loop, empty, pending];
const slices = [
  dnsSlice("web", { ports: [{ name: "http", port: 8080 }], endpoints: [{ addresses: ["10.244.1.9"] }] }),
  dnsSlice("db", {
    ports: [{ name: "sql", port: 15432 }],
    endpoints: [
      { addresses: ["10.244.1.2"], hostname: "db-0", conditions: { ready: true } },
      { addresses: ["10.244.1.3"] },
      { addresses: ["10.244.1.4"], hostname: "db-2", conditions: { ready: false } },
    ],
  }),
  dnsSlice(
    "db",
    { ports: [{ name: "sql", port: 15432 }], endpoints: [{ addresses: ["10.244.2.2"], hostname: "db-3" }] },
    { part: 2 },
  ),
  dnsSlice("empty", {
    ports: [{ name: "sql", port: 1 }],
    endpoints: [{ addresses: ["10.244.1.5"], conditions: { ready: false } }],
  }),
];
const svc = "shop.svc.cluster.local";

const rows: readonly (readonly [sentence: string, name: string, type: string, want: string])[] = [
  ["the version of the specification", "dns-version.cluster.local", "TXT", "dns-version.cluster.local TXT 1.1.0"],
  ["a Service's address", `web.${svc}`, "A", `web.${svc} A 10.96.1.1`],
  ["no IPv6 address of a Service", `web.${svc}`, "AAAA", "no-records"],
  ["a named port of a Service", `_http._tcp.web.${svc}`, "SRV", `_http._tcp.web.${svc} SRV 0 100 80 web.${svc}`],
  ["a named UDP port", `_dns._udp.web.${svc}`, "SRV", `_dns._udp.web.${svc} SRV 0 100 53 web.${svc}`],
  ["no such port of that protocol", `_http._udp.web.${svc}`, "SRV", "no-name"],
  ["that there are ports below a protocol", `_tcp.web.${svc}`, "SRV", "no-records"],
  ["no address of a port", `_http._tcp.web.${svc}`, "A", "no-records"],
  ["whose a Service's address is", "1.1.96.10.in-addr.arpa", "PTR", `1.1.96.10.in-addr.arpa PTR web.${svc}`],
  ["that a free address is nobody's", "2.1.96.10.in-addr.arpa", "PTR", "no-name"],
  ["that pods of a Service that has an address have no names", "9.1.244.10.in-addr.arpa", "PTR", "no-name"],
  ["nothing of addresses that are not the cluster's", "8.8.8.8.in-addr.arpa", "PTR", "outside"],
  ["that there are names below a block of Services", "1.96.10.in-addr.arpa", "PTR", "no-records"],
  ["nothing of a block that is not the cluster's", "8.in-addr.arpa", "PTR", "outside"],
  ["nothing of a reverse name that is no address", "x.1.96.10.in-addr.arpa", "PTR", "outside"],
  [
    "the ready endpoints of a headless Service",
    `db.${svc}`,
    "A",
    `db.${svc} A 10.244.1.2\ndb.${svc} A 10.244.1.3\ndb.${svc} A 10.244.2.2`,
  ],
  ["an endpoint by its hostname", `db-0.db.${svc}`, "A", `db-0.db.${svc} A 10.244.1.2`],
  ["an endpoint without one by its address", `10-244-1-3.db.${svc}`, "A", `10-244-1-3.db.${svc} A 10.244.1.3`],
  ["no endpoint that isn't ready", `db-2.db.${svc}`, "A", "no-name"],
  [
    "a headless Service's ports, each endpoint's own",
    `_sql._tcp.db.${svc}`,
    "SRV",
    ["10-244-1-3", "db-0", "db-3"].map((host) => `_sql._tcp.db.${svc} SRV 0 33 15432 ${host}.db.${svc}`).join("\n"),
  ],
  ["whose a headless endpoint's address is", "2.1.244.10.in-addr.arpa", "PTR", `2.1.244.10.in-addr.arpa PTR db-0.db.${svc}`],
  ["no headless Service without a ready endpoint", `empty.${svc}`, "A", "no-name"],
  ["an alias", `outside.${svc}`, "CNAME", `outside.${svc} CNAME www.example.com`],
  ["an alias where an address is asked for", `outside.${svc}`, "A", `outside.${svc} CNAME www.example.com`],
  ["what an alias within the cluster leads to", `inside.${svc}`, "A", `inside.${svc} CNAME web.${svc}\nweb.${svc} A 10.96.1.1`],
  ["an alias whose end has nothing of that type", `inside.${svc}`, "AAAA", `inside.${svc} CNAME web.${svc}\nno-records`],
  ["no alias that is an address", `numeric.${svc}`, "A", "no-name"],
  ["no alias that DNS can't say", `long.${svc}`, "CNAME", "no-name"],
  ["an alias that leads to itself, in the end", `loop.${svc}`, "A", Array(8).fill(`loop.${svc} CNAME loop.${svc}`).join("\n")],
  ["no Service that has no address yet", `pending.${svc}`, "A", "no-name"],
  ["no Service that isn't there", `nobody.${svc}`, "A", "no-name"],
  ["that there are Services in a namespace", svc, "A", "no-records"],
  ["no namespace without one", "empty.svc.cluster.local", "A", "no-name"],
  ["that there are namespaces", "svc.cluster.local", "A", "no-records"],
  [
    "a pod's name, which says its address",
    "10-244-7-8.any.pod.cluster.local",
    "A",
    "10-244-7-8.any.pod.cluster.local A 10.244.7.8",
  ],
  ["no IPv6 address of a pod", "10-244-7-8.any.pod.cluster.local", "AAAA", "no-records"],
  ["no pod whose name is no address", "10-244-7-256.any.pod.cluster.local", "A", "no-name"],
  ["nothing below a pod's name", "a.10-244-7-8.any.pod.cluster.local", "A", "no-name"],
  ["that there are pods in a namespace", "any.pod.cluster.local", "A", "no-records"],
  ["where the zone begins", "cluster.local", "SOA", "cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local"],
  ["its own name server", "cluster.local", "NS", "cluster.local NS ns.dns.cluster.local"],
  ["where that is", "ns.dns.cluster.local", "A", "ns.dns.cluster.local A 10.96.0.10"],
  ["nothing of the zone above", "local", "A", "outside"],
  ["nothing of a zone with a longer name", "xcluster.local", "A", "outside"],
  ["nothing of the root", "", "NS", "outside"],
  ["every record of a name", `web.${svc}`, "ANY", `web.${svc} A 10.96.1.1`],
  ["a type that it doesn't know as absent", `web.${svc}`, "other", "no-records"],
];

describe("the cluster's zone", () => {
  const zone = zoneOf(services, slices);
  for (const [sentence, name, type, want] of rows) {
    it(`tells ${sentence}: ${name || "."} ${type}`, () => assert.equal(told(zone.find(name, type)), want));
  }

  it("has its time to live on every record", () => {
    const answer = zone.find(`db.${svc}`, "A");
    assert.ok(answer.found === "records" && answer.answers.every((record) => "ttl" in record && record.ttl === 5));
  });

  it("adds the servers' addresses to a port's answer", () => {
    const answer = zone.find(`_sql._tcp.db.${svc}`, "SRV");
    assert.deepEqual(answer.found === "records" && answer.additionals.map(line).toSorted(), [
      `10-244-1-3.db.${svc} A 10.244.1.3`,
      `db-0.db.${svc} A 10.244.1.2`,
      `db-3.db.${svc} A 10.244.2.2`,
    ]);
  });

  it("says in a negative answer how long that is good, and another serial after each change", () => {
    const zone = zoneOf([web]);
    const serial = () => {
      const answer = zone.find("nobody.cluster.local", "A");
      assert.ok(answer.found === "no-name" && answer.authority.type === "SOA");
      assert.deepEqual([answer.authority.name, answer.authority.ttl, answer.authority.data.minimum], ["cluster.local", 5, 5]);
      return answer.authority.data.serial;
    };
    const first = serial();
    const { services, endpointSlices } = dnsView([database]);
    zone.set(services, endpointSlices);
    assert.notEqual(serial(), first);
  });

  it("begins with another address each time", () => {
    const firsts = Array.from({ length: 6 }, () => {
      const answer = zone.find(`db.${svc}`, "A");
      return answer.found === "records" ? line(answer.answers[0] as Answer) : "";
    });
    assert.equal(new Set(firsts).size, 3);
  });

  it("names an address that two headless Services share twice, and once after one has gone", () => {
    const other = dnsService("other", { clusterIP: "None" });
    const ofOther = dnsSlice("other", { endpoints: [{ addresses: ["10.244.1.2"] }] });
    const zone = zoneOf([database, other], [...slices, ofOther]);
    const reverse = () => told(zone.find("2.1.244.10.in-addr.arpa", "PTR")).split("\n");
    assert.equal(reverse().length, 2);
    const { services, endpointSlices } = dnsView([other], [ofOther]);
    zone.set(services, endpointSlices);
    assert.deepEqual(reverse(), [`2.1.244.10.in-addr.arpa PTR 10-244-1-2.other.${svc}`]);
  });

  it("is after any changes what it would be if it were made anew", () => {
    const someSlices = fc.subarray(slices);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.subarray(services), someSlices), { minLength: 1, maxLength: 5 }), (steps) => {
        const changed = createZone({ ...ranges, ttlSeconds: 5 });
        for (const step of steps) {
          const { services, endpointSlices } = dnsView(...step);
          changed.set(services, endpointSlices);
        }
        const [last] = steps.slice(-1);
        const fresh = zoneOf(...(last ?? [[], []]));
        for (const [, name, type] of rows) assert.equal(told(changed.find(name, type)), told(fresh.find(name, type)), name);
      }),
      { numRuns: 200 },
    );
  });
});
