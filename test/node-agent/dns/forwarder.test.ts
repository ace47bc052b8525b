import assert from "node:assert/strict";
import type { Answer, Packet } from "dns-packet";
import { createManualClock, type ManualClock } from "#core/clock.ts";
import { createLog } from "#process/log.ts";
import { type DnsCounters, noDnsCounts } from "../../../node-agent/dns/counters.ts";
import { createForwarder, type Forwarder, type UpstreamOptions } from "../../../node-agent/dns/forwarder.ts";
import { questionOf } from "../../../node-agent/dns/query.ts";
import type { Reply } from "../../../node-agent/dns/reply.ts";
import type { Upstream } from "../../../node-agent/dns/upstream.ts";
import { type FakeUpstream, playUpstream } from "../../support/fake-upstream.ts";
import { until } from "../../support/until.ts";

const log = createLog({ level: "silent", name: "test" });
const { signal } = new AbortController();

interface Opened {
  readonly forwarder: Forwarder;
  readonly counters: DnsCounters;
  readonly clock: ManualClock;
  look(name: string, type?: number): Promise<Reply>;
}

function open(options: Partial<UpstreamOptions>): Opened {
  const clock = createManualClock();
  const counters = noDnsCounts();
  const forwarder = createForwarder({ upstreams: [], stubs: new Map(), ...options, counters, clock, log, signal });
  const look = (name: string, type = 1) => forwarder.look({ id: 1, flags: 0, edns: undefined, ...questionOf(name, type) });
  return { forwarder, counters, clock, look };
}

const address =
  (data: string, ttl = 60) =>
  (query: Packet) => ({
    answers: [{ name: query.questions?.[0]?.name ?? "", type: "A" as const, ttl, data }],
  });
const start: Answer = {
  ...{ name: "example.com", type: "SOA", ttl: 60 },
  data: { mname: "ns.example.com", rname: "root.example.com", serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 30 },
};
const dataOf = ({ answers }: Reply) => answers.map((record) => ("data" in record ? record.data : undefined));
const silence = () => undefined;

/** A port where nobody is. */
async function nobody(): Promise<Upstream> {
  await using gone = await playUpstream(silence);
  return { host: gone.host, port: gone.port };
}

describe("names of others", () => {
  it("are asked of the upstream, by fresh ports and random ids", async () => {
    await using upstream = await playUpstream(address("192.0.2.1"));
    const { look, counters } = open({ upstreams: [upstream] });
    for (let i = 0; i < 20; i++) assert.deepEqual(dataOf(await look(`host-${i}.example.com`)), ["192.0.2.1"]);
    assert.equal(upstream.asked[0], "host-0.example.com A udp");
    assert.ok(new Set(upstream.ports).size > 15, `ports ${upstream.ports}`);
    assert.ok(new Set(upstream.ids).size > 15, `ids ${upstream.ids}`);
    assert.equal(counters.upstream.asked, 20);
  });

  it("are asked of their stub domain's upstream, the longest one's", async () => {
    await using all = await playUpstream(address("192.0.2.1"));
    await using corp = await playUpstream(address("192.0.2.2"));
    await using lab = await playUpstream(address("192.0.2.3"));
    const stubs = new Map([
      ["corp.test", [corp]],
      ["lab.corp.test", [lab]],
    ]);
    const { look } = open({ upstreams: [all], stubs });
    const rows = [
      ["corp.test", "192.0.2.2"],
      ["a.corp.test", "192.0.2.2"],
      ["a.lab.corp.test", "192.0.2.3"],
      ["acorp.test", "192.0.2.1"],
      ["test", "192.0.2.1"],
    ] as const;
    for (const [name, want] of rows) assert.deepEqual(dataOf(await look(name)), [want], name);
  });

  it("are nobody's to answer where there is no upstream for them", () => {
    const { forwarder } = open({ stubs: new Map([["corp.test", [{ host: "127.0.0.1", port: 1 }]]]) });
    assert.deepEqual(
      [forwarder.serves("example.com"), forwarder.serves("a.corp.test"), forwarder.recursive],
      [false, true, false],
    );
  });

  it("are asked of the next where one is gone, fails or is silent, and of that one first from then on", async () => {
    await using failing = await playUpstream(() => ({ flags: 2 }));
    await using silent = await playUpstream(silence);
    await using good = await playUpstream(address("192.0.2.1"));
    const { look, clock, counters } = open({ upstreams: [await nobody(), failing, silent, good] });
    const first = look("a.example.com");
    await until(() => silent.asked.length === 1, "the silent one to be asked");
    await clock.advance(1_000);
    assert.deepEqual(dataOf(await first), ["192.0.2.1"]);
    assert.equal(counters.upstream.unanswered, 3);
    assert.deepEqual(dataOf(await look("b.example.com")), ["192.0.2.1"]);
    assert.equal(silent.asked.length, 1);
  });

  it("end in SERVFAIL where nobody answers", async () => {
    const { look } = open({ upstreams: [await nobody(), await nobody()] });
    assert.equal((await look("a.example.com")).rcode, 2);
  });

  it("are asked over TCP where the answer was cut off", async () => {
    await using upstream = await playUpstream((query, transport) =>
      transport === "udp" ? { flags: 0x0200 } : address("192.0.2.1")(query),
    );
    assert.deepEqual(dataOf(await open({ upstreams: [upstream] }).look("a.example.com")), ["192.0.2.1"]);
    assert.deepEqual(upstream.asked, ["a.example.com A udp", "a.example.com A tcp"]);
  });

  const strange: readonly (readonly [string, (upstream: FakeUpstream) => Packet])[] = [
    ["with another id", ({ ids }) => ({ id: ((ids[0] ?? 0) + 1) & 0xffff, questions: [{ name: "a.example.com", type: "A" }] })],
    ["to another question", ({ ids }) => ({ id: ids[0] ?? 0, questions: [{ name: "b.example.com", type: "A" }] })],
    ["to another type", ({ ids }) => ({ id: ids[0] ?? 0, questions: [{ name: "a.example.com", type: "AAAA" }] })],
    ["without a question", ({ ids }) => ({ id: ids[0] ?? 0, questions: [] })],
  ];
  for (const [sentence, packet] of strange) {
    it(`are not answered by what comes ${sentence}`, async () => {
      await using upstream = await playUpstream(silence);
      const { look, clock, counters } = open({ upstreams: [upstream] });
      const reply = look("a.example.com");
      await until(() => upstream.asked.length === 1, "the question");
      const { encode } = await import("dns-packet");
      upstream.disturb(
        encode({ type: "response", ...packet(upstream), answers: [{ name: "a.example.com", type: "A", data: "6.6.6.6" }] }),
      );
      await until(() => counters.upstream.strange === 1, "the stranger");
      await clock.advance(1_000);
      assert.equal((await reply).rcode, 2);
    });
  }

  it("are kept for their time to live, which goes down", async () => {
    await using upstream = await playUpstream(address("192.0.2.1", 60));
    const { look, clock, counters } = open({ upstreams: [upstream] });
    await look("a.example.com");
    await clock.advance(20_000);
    const [kept] = (await look("a.example.com")).answers;
    assert.ok(kept !== undefined && "ttl" in kept && kept.ttl === 40);
    assert.deepEqual([upstream.asked.length, counters.upstream.cacheHits], [1, 1]);
    await look("a.example.com", 28);
    assert.equal(upstream.asked.length, 2);
    await clock.advance(40_000);
    await look("a.example.com");
    assert.equal(upstream.asked.length, 3);
  });

  const negatives: readonly (readonly [string, Packet, keptMs: number])[] = [
    ["that isn't there is kept for as long as its zone says", { flags: 3, authorities: [start] }, 30_000],
    ["without such a record likewise", { flags: 0, authorities: [start] }, 30_000],
    ["that isn't there, without a word of how long, is not kept", { flags: 3 }, 0],
  ];
  for (const [sentence, packet, keptMs] of negatives) {
    it(`of which one ${sentence}`, async () => {
      await using upstream = await playUpstream(() => packet);
      const { look, clock } = open({ upstreams: [upstream] });
      const rcode = (await look("a.example.com")).rcode;
      assert.equal(rcode, (packet.flags ?? 0) & 15);
      await clock.advance(Math.max(0, keptMs - 1));
      await look("a.example.com");
      assert.equal(upstream.asked.length, keptMs === 0 ? 2 : 1);
      await clock.advance(1);
      await look("a.example.com");
      assert.equal(upstream.asked.length, keptMs === 0 ? 3 : 2);
    });
  }

  it("are asked once where many want the same at once, and no more than 256 at a time", async () => {
    await using upstream = await playUpstream(silence);
    const { look, clock, counters } = open({ upstreams: [upstream] });
    const same = Array.from({ length: 50 }, () => look("same.example.com"));
    await until(() => upstream.asked.length === 1, "the question");
    const others = Array.from({ length: 255 }, (_, i) => look(`host-${i}.example.com`));
    assert.equal((await look("late.example.com")).rcode, 2);
    assert.equal(counters.upstream.shed, 1);
    await until(() => upstream.asked.length === 256, "all questions");
    await clock.advance(1_000);
    assert.ok((await Promise.all([...same, ...others])).every(({ rcode }) => rcode === 2));
  });

  it("leave the cache in the order of their coming where it is full", async () => {
    await using upstream = await playUpstream(address("192.0.2.1", 3_000));
    const { look, counters } = open({ upstreams: [upstream] });
    for (let from = 0; from < 2_001; from += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => look(`host-${from + i}.example.com`)));
    }
    assert.equal(counters.upstream.cacheEvictions, 100);
    const { length } = upstream.asked;
    await look("host-2000.example.com");
    assert.equal(upstream.asked.length, length);
    await look("host-0.example.com");
    assert.equal(upstream.asked.length, length + 1);
  });
});
