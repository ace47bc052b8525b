import assert from "node:assert/strict";
import { type Answer, type DecodedPacket, decode, encode, type Packet } from "dns-packet";
import fc from "fast-check";
import { createManualClock } from "#core/clock.ts";
import { createLog } from "#process/log.ts";
import { type DnsCounters, noDnsCounts } from "../../../node-agent/dns/counters.ts";
import { createForwarder } from "../../../node-agent/dns/forwarder.ts";
import { createResolver, type Resolver, type Transport } from "../../../node-agent/dns/resolver.ts";
import { createZone } from "../../../node-agent/dns/zone.ts";
import { dnsService, dnsSlice, dnsView, ranges } from "../../support/dns-objects.ts";

const { signal } = new AbortController();
const log = createLog({ level: "silent", name: "test" });
const svc = "shop.svc.cluster.local";
const endpoints = (count: number) => Array.from({ length: count }, (_, i) => ({ addresses: [`10.244.${i >> 8}.${i & 255}`] }));
const services = [
  dnsService("web", { clusterIP: "10.96.1.1", ports: [{ name: "http", port: 80 }] }),
  dnsService("many", { clusterIP: "None", ports: [{ name: "http", port: 80 }] }),
];
const slices = [dnsSlice("many", { endpoints: endpoints(100), ports: [{ name: "http", port: 8080 }] })];

function open(): { readonly resolver: Resolver; readonly counters: DnsCounters } {
  const zone = createZone({ ...ranges, ttlSeconds: 5 });
  const view = dnsView(services, slices);
  zone.set(view.services, view.endpointSlices);
  const counters = noDnsCounts();
  const forwarder = createForwarder({ upstreams: [], stubs: new Map(), counters, clock: createManualClock(), log, signal });
  return { resolver: createResolver({ zone: () => zone, forwarder, counters, log }), counters };
}

function option(udpPayloadSize: number, ednsVersion = 0): Answer {
  return { name: ".", type: "OPT", udpPayloadSize, extendedRcode: 0, ednsVersion, flags: 0, flag_do: false, options: [] };
}

function query(name: string, type: "A" | "AAAA" | "SRV" = "A", more: Packet = {}): Buffer {
  return encode({ type: "query", id: 77, flags: 0x0100, questions: [{ name, type }], ...more });
}

/** The header's rcode and the OPT record's together. */
function rcodeOf(message: Buffer): number {
  const extended = decode(message).additionals?.find((record) => record.type === "OPT");
  return (message.readUInt16BE(2) & 15) | ((extended?.type === "OPT" ? extended.extendedRcode : 0) << 4);
}

describe("the name server's answers", () => {
  const { resolver, counters } = open();
  const bytes = (message: Buffer, transport: Transport = "udp"): Buffer => {
    const answer = resolver.answer(message, transport);
    assert.ok(Buffer.isBuffer(answer));
    return answer;
  };
  const answer = (...asked: Parameters<typeof query>): DecodedPacket => decode(bytes(query(...asked)));

  it("repeat id, question and whether recursion is desired, and are authoritative", () => {
    const { id, flag_qr, flag_aa, flag_rd, flag_ra, questions, answers } = answer(`web.${svc}`);
    assert.deepEqual(
      { id, flag_qr, flag_aa, flag_rd, flag_ra },
      { id: 77, flag_qr: true, flag_aa: true, flag_rd: true, flag_ra: false },
    );
    assert.deepEqual(questions, [{ name: `web.${svc}`, type: "A", class: "IN" }]);
    assert.deepEqual(answers, [{ name: `web.${svc}`, type: "A", ttl: 5, class: "IN", flush: false, data: "10.96.1.1" }]);
  });

  it("keep the asker's spelling of the name", () => {
    const { questions, answers } = answer("WeB.shop.SVC.cluster.local");
    assert.deepEqual([questions?.[0]?.name, answers?.[0]?.name], ["WeB.shop.SVC.cluster.local", "WeB.shop.SVC.cluster.local"]);
  });

  for (const [sentence, asked, rcode] of [
    ["of a name that isn't there", query(`nobody.${svc}`), 3],
    ["of a type that isn't there", query(`web.${svc}`, "AAAA"), 0],
  ] as const) {
    it(`have the zone's start where there is nothing, ${sentence}`, () => {
      const message = bytes(asked);
      const { answers, authorities } = decode(message);
      assert.deepEqual([rcodeOf(message), answers, authorities?.length], [rcode, [], 1]);
      assert.ok(authorities?.[0]?.type === "SOA" && authorities[0].name === "cluster.local" && authorities[0].ttl === 5);
    });
  }

  const refusals: readonly (readonly [sentence: string, message: Buffer, rcode: number])[] = [
    ["a name that is not ours with REFUSED", query("example.com"), 5],
    ["another class with REFUSED", encode({ questions: [{ name: "version.bind", type: "TXT", class: "CH" }] }), 5],
    ["an update with NOTIMP", encode({ flags: 5 << 11, questions: [{ name: "cluster.local", type: "SOA" }] }), 4],
    ["no question with FORMERR", encode({ questions: [] }), 1],
    ["two questions with FORMERR", encode({ questions: [1, 2].map(() => ({ name: `web.${svc}`, type: "A" as const })) }), 1],
    ["half a question with FORMERR", query(`web.${svc}`).subarray(0, 20), 1],
    ["two OPT records with FORMERR", query(`web.${svc}`, "A", { additionals: [option(512), option(512)] }), 1],
    ["records that are cut off with FORMERR", query(`web.${svc}`, "A", { additionals: [option(512)] }).subarray(0, -3), 1],
    ["records that no query has with FORMERR", query(`web.${svc}`, "A", { answers: [option(512), option(512)] }), 1],
    ["a newer EDNS with BADVERS", query(`web.${svc}`, "A", { additionals: [option(1232, 1)] }), 16],
  ];
  for (const [sentence, message, rcode] of refusals) {
    it(`refuse ${sentence}`, () => {
      const refusal = bytes(message);
      assert.deepEqual([rcodeOf(refusal), refusal.readUInt16BE(0)], [rcode, message.readUInt16BE(0)]);
    });
  }

  it("are the same for every question of class ANY", () => {
    const asked = query(`web.${svc}`);
    asked.writeUInt16BE(255, asked.length - 2);
    assert.equal(decode(bytes(asked)).answers?.length, 1);
  });

  it("take a dot within a label for no dot", () => {
    const asked = query("web_shop.svc.cluster.local");
    asked.write(".", asked.indexOf("_"));
    assert.equal(rcodeOf(bytes(asked)), 3);
  });

  for (const [sentence, more, bytesMax] of [
    ["512 bytes without EDNS", {}, 512],
    ["what EDNS says", { additionals: [option(800)] }, 800],
    ["512 bytes where EDNS says less", { additionals: [option(100)] }, 512],
    ["1,232 bytes where EDNS says more", { additionals: [option(65_535)] }, 1232],
  ] as const) {
    it(`over UDP are no longer than ${sentence}, and say that there is more`, () => {
      const message = bytes(
        query(`many.${svc}`, "A", { ...more, additionals: [...("additionals" in more ? more.additionals : [])] }),
      );
      assert.ok(message.length <= bytesMax && message.length > bytesMax - 30, String(message.length));
      const { flag_tc, answers } = decode(message);
      assert.ok(flag_tc && (answers?.length ?? 0) > 10);
    });
  }

  it("over TCP are whole", () => {
    const { flag_tc, answers } = decode(bytes(query(`many.${svc}`), "tcp"));
    assert.deepEqual([flag_tc, answers?.length], [false, 100]);
  });

  it("leave additional records out where there is no room, which is no truncation", () => {
    const { flag_tc, answers, additionals } = answer(`_http._tcp.web.${svc}`, "SRV", { additionals: [option(1232)] });
    assert.deepEqual([flag_tc, answers?.length, additionals?.map(({ type }) => type)], [false, 1, ["A", "OPT"]]);
  });

  it("are none to answers and to what is too short", () => {
    const before = { ...counters.dropped };
    assert.equal(resolver.answer(encode({ type: "response", questions: [{ name: `web.${svc}`, type: "A" }] }), "udp"), undefined);
    assert.equal(resolver.answer(Buffer.alloc(11), "udp"), undefined);
    assert.deepEqual(counters.dropped, {
      ...before,
      "not-a-query": before["not-a-query"] + 1,
      "too-short": before["too-short"] + 1,
    });
  });

  it("are SERVFAIL until anything is known of the cluster", () => {
    const forwarder = createForwarder({ upstreams: [], stubs: new Map(), counters, clock: createManualClock(), log, signal });
    const empty = createResolver({ zone: () => undefined, forwarder, counters, log });
    assert.equal(rcodeOf(empty.answer(query(`web.${svc}`), "udp") as Buffer), 2);
  });

  describe("to any bytes", () => {
    const valid = [query(`web.${svc}`), query(`many.${svc}`, "SRV", { additionals: [option(4096)] }), query("x".repeat(63))];
    const mutated = fc
      .tuple(fc.constantFrom(...valid), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), fc.nat(80))
      .map(([message, changes, cut]) => {
        const copy = Buffer.from(message.subarray(0, message.length - (cut > 60 ? cut - 60 : 0)));
        for (const [at, byte] of changes) copy[at % copy.length] = byte;
        return copy;
      });
    const noise = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));

    for (const [what, any] of [
      ["that were a query", mutated],
      ["by chance", noise],
    ] as const) {
      it(`${what} are bounded, can be read and fail nothing`, () => {
        const { resolver, counters } = open();
        fc.assert(
          fc.property(any, (message) => {
            const udp = resolver.answer(message, "udp");
            if (udp === undefined) return;
            assert.ok(Buffer.isBuffer(udp) && udp.length <= 1232);
            assert.equal(udp.readUInt16BE(0), message.readUInt16BE(0));
            assert.ok((udp.readUInt16BE(2) & 0x8000) !== 0);
            decode(udp);
          }),
          { numRuns: 3_000 },
        );
        assert.equal(counters.failed, 0);
      });
    }
  });
});
