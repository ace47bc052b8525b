import assert from "node:assert/strict";
import { createManualClock } from "#core/clock.ts";
import { createDoorkeeper, type Refusal } from "../../../node-agent/overlay/admission.ts";
import { answerProves, type Hello, helloHeaders, makeHello, subprotocol } from "../../../node-agent/overlay/handshake.ts";
import { defaultLimits } from "../../../node-agent/overlay/limits.ts";

const key = Buffer.alloc(32, 7);
const startMs = 1_700_000_000_000;
let nonces = 0;

function doorkeeper(options: { readonly noncesMax?: number } = {}) {
  const clock = createManualClock(startMs);
  const keeper = createDoorkeeper({
    instance: "SSSSSSSSSSSSSSSSSSSSSS",
    offload: "tcp4",
    clock,
    limits: { ...defaultLimits, ...options },
    self: () => "node-2",
    keyOf: (peer) => (peer === "node-1" ? key : undefined),
  });
  return { clock, keeper };
}

function hello(changes: Partial<Hello> = {}, withKey: Uint8Array = key): Hello {
  nonces += 1;
  const nonce = Buffer.alloc(16, nonces).toString("base64url");
  return makeHello(
    { node: "node-1", peer: "node-2", timeMs: startMs, nonce, instance: "CCCCCCCCCCCCCCCCCCCCCC", offload: "none", ...changes },
    withKey,
  );
}

function headersOf(greeting: Hello, protocol = subprotocol): Record<string, string> {
  const lowered = Object.entries(helloHeaders(greeting)).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...Object.fromEntries(lowered), "sec-websocket-protocol": protocol };
}

describe("the doorkeeper", () => {
  it("lets in who proves the key, and proves it in return", () => {
    const { keeper } = doorkeeper();
    const greeting = hello();
    const admission = keeper.judge(headersOf(greeting, `other, ${subprotocol}`));
    assert.ok(admission.admitted);
    assert.ok(answerProves(admission.answer, greeting, key));
  });

  const skewMs = defaultLimits.clockSkewMsMax;
  const refused: { what: string; headers: () => Record<string, string>; refusal: Refusal; afterMs?: number }[] = [
    { what: "a key that isn't this pair's", headers: () => headersOf(hello({}, Buffer.alloc(32, 1))), refusal: "unproven" },
    { what: "a name that nobody has", headers: () => headersOf(hello({ node: "node-9" })), refusal: "unproven" },
    { what: "a request that is for another node", headers: () => headersOf(hello({ peer: "node-3" })), refusal: "wrong-peer" },
    { what: "another version of the protocol", headers: () => headersOf(hello(), "podwire.overlay.v2"), refusal: "version" },
    { what: "no protocol at all", headers: () => ({}), refusal: "version" },
    { what: "no proof", headers: () => ({ "sec-websocket-protocol": subprotocol }), refusal: "malformed" },
    { what: "a clock too far ahead", headers: () => headersOf(hello({ timeMs: startMs + skewMs + 1 })), refusal: "clock" },
    { what: "a request that is too old", headers: () => headersOf(hello()), refusal: "clock", afterMs: skewMs + 1 },
    { what: "a request from before this run", headers: () => headersOf(hello({ timeMs: startMs - 1 })), refusal: "clock" },
  ];
  for (const { what, headers, refusal, afterMs } of refused) {
    it(`refuses ${what} as ${refusal}`, async () => {
      const { keeper, clock } = doorkeeper();
      await clock.advance(afterMs ?? 0);
      assert.deepEqual(keeper.judge(headers()), { admitted: false, refusal });
    });
  }

  it("refuses a request that it has seen, for as long as it would be in time", async () => {
    const { keeper, clock } = doorkeeper();
    const early = headersOf(hello({ timeMs: startMs + skewMs }));
    assert.ok(keeper.judge(early).admitted);
    await clock.advance(2 * skewMs - 1);
    assert.deepEqual(keeper.judge(early), { admitted: false, refusal: "replayed" });
    await clock.advance(2);
    assert.deepEqual(keeper.judge(early), { admitted: false, refusal: "clock" });
  });

  it("remembers a bounded number of requests, and strangers can't fill that memory", () => {
    const { keeper } = doorkeeper({ noncesMax: 2 });
    for (let i = 0; i < 100; i++) keeper.judge(headersOf(hello({}, Buffer.alloc(32, 1))));
    assert.ok(keeper.judge(headersOf(hello())).admitted);
    assert.ok(keeper.judge(headersOf(hello())).admitted);
    assert.deepEqual(keeper.judge(headersOf(hello())), { admitted: false, refusal: "busy" });
  });
});
