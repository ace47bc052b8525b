import assert from "node:assert/strict";
import { recordBytesMax } from "#core/frames.ts";
import type { Memory } from "#kernel/ffi.ts";
import { Outbox, SlabPool } from "../../../node-agent/overlay/outbox.ts";

const slabBytes = 2 * recordBytesMax;

/** A socket that keeps what it gets until told otherwise. */
function slowSink() {
  const messages: Buffer[] = [];
  const reports: (() => void)[] = [];
  return {
    messages,
    send({ bytes }: Memory, from: number, to: number, report: () => void) {
      messages.push(bytes.subarray(from, to));
      reports.push(report);
    },
    reportAll() {
      for (const report of reports.splice(0)) report();
    },
  };
}

function fill(outbox: Outbox, text: string): void {
  const { memory, frameAt } = outbox;
  outbox.commit(memory.bytes.write(text, frameAt, "latin1"), false);
}

const record = (text: string) => Buffer.concat([Buffer.from([text.length, 0, 0, 0]), Buffer.from(text, "latin1")]);

describe("an outbox", () => {
  it("makes one message of what waits, and leaves its bytes alone until the socket reports", () => {
    const outbox = new Outbox(new SlabPool({ slabBytes, idleMax: 4 }));
    const sink = slowSink();
    fill(outbox, "one");
    fill(outbox, "two");
    assert.equal(outbox.waitingBytes, 14);
    outbox.flush(sink);
    fill(outbox, "three");
    outbox.flush(sink);
    outbox.flush(sink);
    assert.deepEqual(sink.messages, [Buffer.concat([record("one"), record("two")]), record("three")]);
  });

  it("gives its memory back when all is reported, and takes it again", () => {
    const pool = new SlabPool({ slabBytes, idleMax: 4 });
    const outbox = new Outbox(pool);
    const other = new Outbox(pool);
    const sink = slowSink();
    fill(outbox, "one");
    const { address } = outbox.memory;
    outbox.flush(sink);
    outbox.rest();
    outbox.discard();
    assert.notEqual(other.memory.address, address, "memory that the socket may still read is nobody else's");
    other.rest();
    sink.reportAll();
    assert.equal(other.memory.address, address);
    assert.equal(sink.messages[0]?.length, 7);
  });

  it("goes on in new memory when the rest is too small for a frame", () => {
    const outbox = new Outbox(new SlabPool({ slabBytes, idleMax: 4 }));
    const sink = slowSink();
    const first = outbox.memory.address;
    outbox.commit(recordBytesMax, false);
    assert.equal(outbox.hasRoom, false);
    outbox.flush(sink);
    assert.notEqual(outbox.memory.address, first);
    assert.ok(outbox.memory.bytes.length - outbox.frameAt >= recordBytesMax - 4);
  });

  it("has room again after its connection went away with a full slab", () => {
    const outbox = new Outbox(new SlabPool({ slabBytes, idleMax: 4 }));
    fill(outbox, "sent and never reported");
    outbox.flush(slowSink());
    outbox.commit(recordBytesMax, false);
    outbox.discard();
    assert.equal(outbox.waitingBytes, 0);
    assert.ok(outbox.memory.bytes.length - outbox.frameAt >= recordBytesMax - 4);
  });

  it("takes a copy of a frame that was read for another", () => {
    const outbox = new Outbox(new SlabPool({ slabBytes, idleMax: 4 }));
    const sink = slowSink();
    outbox.commitCopy(Buffer.from("..four.."), 2, 4, false);
    outbox.flush(sink);
    assert.deepEqual(sink.messages, [record("four")]);
  });
});
