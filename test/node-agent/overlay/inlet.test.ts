import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import fc from "fast-check";
import { openInlet } from "../../../node-agent/overlay/inlet.ts";
import { until } from "../../support/until.ts";

const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const messageBytesMax = 70_000;

interface Frame {
  readonly first: number;
  readonly payload: Buffer;
  readonly masked?: boolean;
}

/** RFC 6455, 5.2. */
function encode({ first, payload, masked = false }: Frame): Buffer {
  const { length } = payload;
  const mark = masked ? 0x80 : 0;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = first;
  if (length < 126) header[1] = mark | length;
  else if (length < 65_536) {
    header[1] = mark | 126;
    header.writeUInt16BE(length, 2);
  } else {
    header[1] = mark | 127;
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([header, ...(masked ? [Buffer.alloc(4)] : []), payload]);
}

/** What comes out of an inlet whose server sends `pieces`, each in a write of its own. */
async function through(pieces: readonly Buffer[], want: { readonly taken: number; readonly passed: number }) {
  await using cleanup = new AsyncDisposableStack();
  const server = createServer({ noDelay: true });
  cleanup.defer(async () => {
    server.close();
    await once(server, "close");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const inlet = openInlet({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, messageBytesMax });
  cleanup.defer(() => void inlet.stream.destroy());
  const passed: Buffer[] = [];
  const taken: Buffer[] = [];
  let takenBytes = 0;
  let passedBytes = 0;
  let started = false;
  inlet.stream.on("data", (chunk: Buffer) => {
    passed.push(chunk);
    passedBytes += chunk.length;
    if (!started && Buffer.concat(passed).toString("latin1").endsWith("\r\n\r\n")) {
      started = true;
      inlet.start((memory, from, to) => {
        taken.push(Buffer.from(memory.bytes.subarray(from, to)));
        takenBytes += to - from;
      });
    }
  });
  const [socket] = (await accepted) as [Socket];
  cleanup.defer(() => void socket.destroy());
  for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  await until(() => takenBytes >= want.taken && passedBytes >= want.passed, "all bytes to come through");
  return { taken, passed: Buffer.concat(passed) };
}

const isTaken = ({ first, payload, masked }: Frame) => first === 0x82 && masked !== true && payload.length <= messageBytesMax;

describe("an inlet", () => {
  const frame = fc.record({
    // Binary messages, pings, pongs and text: what may follow each other in any order.
    first: fc.constantFrom(0x82, 0x82, 0x82, 0x89, 0x8a, 0x81),
    payload: fc
      .oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 65_000, max: messageBytesMax + 50 }))
      .map((length) => Buffer.alloc(length, length)),
    masked: fc.boolean(),
  });

  it("takes whole binary frames and passes all else on in order, however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 6 }), async (frames, cuts) => {
        const bytes = Buffer.concat([Buffer.from(head), ...frames.map(encode)]);
        const edges = [0, ...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b);
        const pieces = edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
        const wantTaken = frames.filter(isTaken).map(({ payload }) => payload);
        const wantPassed = Buffer.concat([Buffer.from(head), ...frames.filter((each) => !isTaken(each)).map(encode)]);
        const taken = wantTaken.reduce((sum, { length }) => sum + length, 0);
        const got = await through(pieces, { taken, passed: wantPassed.length });
        assert.deepEqual(
          got.taken.filter(({ length }) => length > 0),
          wantTaken.filter(({ length }) => length > 0),
        );
        assert.ok(got.passed.equals(wantPassed));
      }),
      { numRuns: 40 },
    );
  });

  it("takes a long run of frames that reads cut anywhere, each with its own bytes", async () => {
    const payloads = Array.from({ length: 60 }, (_, i) => Buffer.alloc(60_000 + i, i));
    const bytes = Buffer.concat([Buffer.from(head), ...payloads.map((payload) => encode({ first: 0x82, payload }))]);
    const got = await through([bytes], { taken: payloads.reduce((sum, { length }) => sum + length, 0), passed: head.length });
    assert.ok(Buffer.concat(got.taken).equals(Buffer.concat(payloads)));
  });

  it("leaves it to ws to judge a whole message inside a fragmented one", async () => {
    const broken = [encode({ first: 0x02, payload: Buffer.from("a") }), encode({ first: 0x82, payload: Buffer.from("b") })];
    const passed = Buffer.concat([Buffer.from(head), ...broken]);
    assert.deepEqual(await through([passed], { taken: 0, passed: passed.length }), { taken: [], passed });
  });

  it("leaves the frames of a fragmented message to ws, with the pings between them", async () => {
    const text = (content: string) => Buffer.from(content);
    const fragments = [
      encode({ first: 0x02, payload: text("a") }),
      encode({ first: 0x89, payload: text("ping") }),
      encode({ first: 0x00, payload: text("b") }),
      encode({ first: 0x80, payload: text("c") }),
    ];
    const after = encode({ first: 0x82, payload: text("whole") });
    const passed = Buffer.concat([Buffer.from(head), ...fragments]);
    const got = await through([Buffer.concat([passed, after])], { taken: 5, passed: passed.length });
    assert.deepEqual(got, { taken: [text("whole")], passed });
  });
});
