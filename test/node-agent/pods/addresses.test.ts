import assert from "node:assert/strict";
import fc from "fast-check";
import { type Cidr, cidrContains, parseCidr } from "#core/cidr.ts";
import { isAppError } from "#core/errors.ts";
import { formatIpv4, type Ipv4, parseIpv4 } from "#core/ipv4.ts";
import {
  type AddressState,
  isOwnAddress,
  noAddresses,
  releaseAddress,
  restMs,
  takeAddress,
} from "../../../node-agent/pods/addresses.ts";

const block = parseCidr("10.244.1.0/28");

/** Takes `count` addresses that all stay in use. */
function takeMany(podCidrs: readonly Cidr[], count: number, state: AddressState = noAddresses): string[] {
  const inUse = new Set<Ipv4>();
  let now = state;
  return Array.from({ length: count }, () => {
    const taken = takeAddress(now, { podCidrs, inUse, nowMs: 0 });
    now = taken.state;
    inUse.add(taken.address);
    return formatIpv4(taken.address);
  });
}

describe("pod addresses", () => {
  for (const [cidr, first, last, count] of [
    ["10.244.1.0/24", "10.244.1.2", "10.244.1.254", 253],
    ["10.244.1.16/28", "10.244.1.18", "10.244.1.30", 13],
    ["10.244.1.4/30", "10.244.1.6", "10.244.1.6", 1],
    ["10.244.1.4/31", "10.244.1.4", "10.244.1.5", 2],
    ["10.244.1.4/32", "10.244.1.4", "10.244.1.4", 1],
  ] as const) {
    it(`of ${cidr} are ${first} to ${last}`, () => {
      const all = takeMany([parseCidr(cidr)], count);
      assert.deepEqual([all[0], all.at(-1), new Set(all).size], [first, last, count]);
      assert.throws(() => takeMany([parseCidr(cidr)], count + 1), /no pod address is free/);
    });
  }

  it("go on from the last one given, round and round, over all blocks", () => {
    const podCidrs = [parseCidr("10.244.1.0/30"), parseCidr("10.244.2.0/29")];
    let state = noAddresses;
    const given = Array.from({ length: 8 }, () => {
      const taken = takeAddress(state, { podCidrs, inUse: new Set(), nowMs: 0 });
      state = taken.state;
      return formatIpv4(taken.address);
    });
    const round = ["10.244.1.2", "10.244.2.2", "10.244.2.3", "10.244.2.4", "10.244.2.5", "10.244.2.6"];
    assert.deepEqual(given, [...round, "10.244.1.2", "10.244.2.2"]);
  });

  it("begin anew where the last one was of a block that is gone", () => {
    const state = { ...noAddresses, last: parseIpv4("10.99.0.9") };
    assert.deepEqual(takeMany([block], 1, state), ["10.244.1.2"]);
  });

  it("rest before they are given again", () => {
    const podCidrs = [parseCidr("10.244.1.0/30")];
    const first = takeAddress(noAddresses, { podCidrs, inUse: new Set(), nowMs: 1_000 });
    const state = releaseAddress(first.state, first.address, 2_000);
    const at = (nowMs: number) => takeAddress(state, { podCidrs, inUse: new Set(), nowMs });
    assert.throws(() => at(2_000 + restMs - 1), /exhausted|no pod address/);
    assert.equal(at(2_000 + restMs).address, first.address);
    assert.equal(at(2_000 + restMs).state.releasedAtMs.size, 0);
  });

  it("say what is in use and what rests where none is free", () => {
    const inUse = new Set([parseIpv4("10.244.1.2"), parseIpv4("10.244.1.3")]);
    let state = noAddresses;
    for (let last = 4; last <= 14; last++) state = releaseAddress(state, parseIpv4(`10.244.1.${last}`), 0);
    assert.throws(
      () => takeAddress(state, { podCidrs: [block], inUse, nowMs: 10 }),
      (error) => {
        assert.ok(isAppError(error, "exhausted"));
        assert.equal(
          error.message,
          "no pod address is free in 10.244.1.0/28: 2 are in use, 11 rest for 30 s after their pods went",
        );
        return true;
      },
    );
    assert.throws(() => takeAddress(noAddresses, { podCidrs: [], inUse, nowMs: 0 }), /free in no pod CIDR: 2 are in use$/);
  });

  it("are never given twice, nor before they have rested, nor from elsewhere, whatever comes", () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant("take" as const) }),
      fc.record({ kind: fc.constant("release" as const), which: fc.nat(20) }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
      fc.record({ kind: fc.constant("renumber" as const), to: fc.constantFrom("10.244.1.0/29", "10.244.2.0/29") }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let state = noAddresses;
        let nowMs = 1_000_000;
        let podCidrs = [parseCidr("10.244.1.0/29")];
        const inUse = new Set<Ipv4>();
        const releasedAtMs = new Map<Ipv4, number>();
        for (const step of events) {
          if (step.kind === "wait") nowMs += step.ms;
          if (step.kind === "renumber") podCidrs = [parseCidr(step.to)];
          if (step.kind === "release") {
            const address = [...inUse][step.which];
            if (address === undefined) continue;
            inUse.delete(address);
            releasedAtMs.set(address, nowMs);
            state = releaseAddress(state, address, nowMs);
          }
          if (step.kind !== "take") continue;
          const free = [2, 3, 4, 5, 6]
            .map((offset) => ((podCidrs[0]?.base ?? 0) + offset) as Ipv4)
            .filter((address) => !inUse.has(address) && nowMs - (releasedAtMs.get(address) ?? -restMs) >= restMs);
          try {
            const taken = takeAddress(state, { podCidrs, inUse, nowMs });
            assert.ok(free.includes(taken.address), `${formatIpv4(taken.address)} is not free`);
            assert.ok(podCidrs.some((cidr) => cidrContains(cidr, taken.address)));
            state = taken.state;
            inUse.add(taken.address);
          } catch (error) {
            assert.ok(isAppError(error, "exhausted"), String(error));
            assert.deepEqual(free, []);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("belong to the node while their block does", () => {
    assert.equal(isOwnAddress([block], parseIpv4("10.244.1.15")), true);
    assert.equal(isOwnAddress([block], parseIpv4("10.244.1.16")), false);
    assert.equal(isOwnAddress([], parseIpv4("10.244.1.2")), false);
  });
});
