import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  answerHeaders,
  answerProves,
  formatOffloads,
  type Hello,
  helloHeaders,
  helloProves,
  makeAnswer,
  makeHello,
  parseOffloads,
  readAnswer,
  readHello,
} from "../../../node-agent/overlay/handshake.ts";

const key = Buffer.alloc(32, 7);
const fields = {
  node: "node-1",
  peer: "node-2",
  timeMs: 1_700_000_000_123,
  nonce: "AAAAAAAAAAAAAAAAAAAAAA",
  instance: "BBBBBBBBBBBBBBBBBBBBBB",
  offload: "tcp4,tcp6,udp",
};
const hello = makeHello(fields, key);
const answer = makeAnswer({ nonce: "CCCCCCCCCCCCCCCCCCCCCC", instance: "DDDDDDDDDDDDDDDDDDDDDD", offload: "none" }, hello, key);
const lowered = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

describe("the handshake", () => {
  it("proves what docs/wire-protocol.md says it proves", () => {
    const mac = (text: string) => createHmac("sha256", key).update(text).digest("base64url");
    const request =
      "podwire.overlay.v1\nclient\nnode-1\nnode-2\n1700000000123\nAAAAAAAAAAAAAAAAAAAAAA\nBBBBBBBBBBBBBBBBBBBBBB\ntcp4,tcp6,udp\n";
    assert.equal(hello.proof, mac(request));
    const reply = `podwire.overlay.v1\nserver\n${hello.proof}\nCCCCCCCCCCCCCCCCCCCCCC\nDDDDDDDDDDDDDDDDDDDDDD\nnone\n`;
    assert.equal(answer.proof, mac(reply));
    const page = readFileSync(new URL("../../../docs/wire-protocol.md", import.meta.url), "utf8");
    assert.ok(page.includes(`Podwire-Proof: ${hello.proof}\n`) && page.includes(`Podwire-Proof: ${answer.proof}\n`));
  });

  it("comes through headers unchanged", () => {
    assert.deepEqual(readHello(lowered(helloHeaders(hello))), hello);
    assert.deepEqual(readAnswer(lowered(answerHeaders(answer))), answer);
  });

  it("holds for the right key only", () => {
    assert.equal(helloProves(hello, key), true);
    assert.equal(answerProves(answer, hello, key), true);
    const wrong = Buffer.alloc(32, 8);
    assert.equal(helloProves(hello, wrong), false);
    assert.equal(answerProves(answer, hello, wrong), false);
  });

  const changes: Partial<Hello>[] = [
    { node: "node-3" },
    { peer: "node-3" },
    { timeMs: fields.timeMs + 1 },
    { nonce: "EEEEEEEEEEEEEEEEEEEEEE" },
    { instance: "EEEEEEEEEEEEEEEEEEEEEE" },
    { offload: "tcp4" },
    { proof: "A".repeat(43) },
    { proof: "" },
  ];
  for (const change of changes) {
    it(`breaks where ${Object.keys(change)[0]} is ${JSON.stringify(Object.values(change)[0])}`, () => {
      assert.equal(helloProves({ ...hello, ...change }, key), false);
    });
  }

  it("ties the answer to its request, so an answer can't be used twice", () => {
    assert.equal(answerProves(answer, makeHello({ ...fields, nonce: "EEEEEEEEEEEEEEEEEEEEEE" }, key), key), false);
  });

  it("can't be answered with one's own proof", () => {
    assert.equal(answerProves({ ...answer, proof: hello.proof }, hello, key), false);
  });

  const broken: { what: string; headers: Record<string, string | string[] | undefined> }[] = [
    { what: "no proof", headers: { "podwire-proof": undefined } },
    { what: "two proofs", headers: { "podwire-proof": ["a", "b"] } },
    { what: "a proof of 31 bytes", headers: { "podwire-proof": "A".repeat(42) } },
    { what: "a time with a sign", headers: { "podwire-time": "-1" } },
    { what: "a time past what a number holds", headers: { "podwire-time": "9".repeat(16) } },
    { what: "a name with a line break", headers: { "podwire-node": "node-1\nnode-2" } },
    { what: "an empty name", headers: { "podwire-peer": "" } },
    { what: "a short nonce", headers: { "podwire-nonce": "AAAA" } },
    { what: "a list of offloads with an empty name", headers: { "podwire-offload": "tcp4,,udp" } },
  ];
  for (const { what, headers } of broken) {
    it(`is not read with ${what}`, () => assert.equal(readHello({ ...lowered(helloHeaders(hello)), ...headers }), undefined));
  }

  it("leaves room for gso types of later protocols", () => {
    assert.deepEqual(parseOffloads("tcp4,vxlan,udp"), ["tcp4", "udp"]);
    assert.deepEqual(parseOffloads(formatOffloads([])), []);
  });
});
