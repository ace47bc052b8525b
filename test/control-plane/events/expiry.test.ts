import assert from "node:assert/strict";
import { eventKind } from "#core/objects/event.ts";
import type { Event } from "#proto/podwire/v1/resources.ts";
import { expiredEvents } from "../../../control-plane/events/expiry.ts";
import type { Found } from "../../../control-plane/state/objects.ts";
import { startTestCluster } from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 0, 1);

function eventAt(name: string, more: object): Found<Event> {
  const object = eventKind.fromJson({ metadata: { name, namespace: "default" }, ...more });
  const key = `events/default/${name}`;
  return { key, entry: { key, value: {}, createRevision: 1, modRevision: 1 }, object };
}

const at = (minutes: number) => new Date(startMs + minutes * 60_000).toISOString();

describe("events", () => {
  const cases: { title: string; events: Found<Event>[]; keptMax?: number; expired: string[]; nextMs: number | undefined }[] = [
    { title: "that are none", events: [], expired: [], nextMs: undefined },
    {
      title: "last seen an hour ago go",
      events: [
        eventAt("old", { firstTimestamp: at(-90), lastTimestamp: at(-60) }),
        eventAt("seen-again", { firstTimestamp: at(-90), lastTimestamp: at(-50) }),
      ],
      expired: ["old"],
      nextMs: 10 * 60_000,
    },
    {
      title: "without a last time go by the others",
      events: [
        eventAt("by-event-time", { eventTime: at(-61) }),
        eventAt("by-creation", { metadata: { name: "by-creation", namespace: "default", creationTimestamp: at(-61) } }),
        eventAt("unreadable", { lastTimestamp: "yesterday" }),
      ],
      expired: ["unreadable", "by-event-time", "by-creation"],
      nextMs: undefined,
    },
    {
      title: "that are too many: the oldest go",
      events: [
        eventAt("b", { lastTimestamp: at(-2) }),
        eventAt("a", { lastTimestamp: at(-3) }),
        eventAt("c", { lastTimestamp: at(-1) }),
      ],
      keptMax: 2,
      expired: ["a"],
      nextMs: 58 * 60_000,
    },
    { title: "of the future wait no longer", events: [eventAt("f", { lastTimestamp: at(600) })], expired: [], nextMs: hourMs },
  ];
  for (const { title, events, keptMax = 10, expired, nextMs } of cases) {
    it(title, () => {
      const result = expiredEvents(events, { nowMs: startMs, lifetimeMs: 3_600_000, keptMax });
      assert.deepEqual(
        result.expired.map(({ object }) => object.metadata?.name),
        expired,
      );
      assert.equal(result.nextMs, nextMs);
    });
  }

  it("leave the store after an hour", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", namespace: "default", name: "web" },
      lastTimestamp: at(0),
    });
    // The loop has set its wait once the event is seen by its list.
    await until(async () => {
      await cluster.clock.advance(hourMs / 4);
      return cluster.store.get("events/default/e") === undefined;
    }, "the event is gone");
    assert.ok(cluster.clock.wallMs() >= startMs + hourMs);
  });
});
