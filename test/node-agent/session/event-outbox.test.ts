import assert from "node:assert/strict";
import type { PodEvent } from "#proto/podwire/v1/agent.ts";
import { createEventOutbox } from "../../../node-agent/session/event-outbox.ts";

const eventOf = (i: number): PodEvent => ({
  ...{ namespace: "default", name: "web", uid: "u1", type: "Normal", reason: "Started" },
  ...{ message: String(i), fieldPath: "" },
});

describe("the events that wait for a session", () => {
  it("go to it in their order, and later ones after them", () => {
    const outbox = createEventOutbox();
    for (const i of [1, 2]) outbox.offer(eventOf(i));
    const sent: string[] = [];
    outbox.open(({ message }) => sent.push(message) > 0);
    outbox.offer(eventOf(3));
    assert.deepEqual(sent, ["1", "2", "3"]);
  });

  it("are the first of them only, and the rest are counted", () => {
    const outbox = createEventOutbox();
    for (let i = 0; i < 300; i++) outbox.offer(eventOf(i));
    const sent: PodEvent[] = [];
    outbox.open((event) => sent.push(event) > 0);
    assert.deepEqual([sent.length, outbox.dropped], [256, 44]);
  });

  it("wait again where a session can't take them", () => {
    const outbox = createEventOutbox();
    outbox.open(() => false);
    outbox.offer(eventOf(1));
    const sent: PodEvent[] = [];
    outbox.open((event) => sent.push(event) > 0);
    assert.equal(sent.length, 1);
  });
});
