import assert from "node:assert/strict";
import { createManualClock } from "#core/clock.ts";
import { eventKind } from "#core/objects/event.ts";
import { createLog } from "#process/log.ts";
import { createEventRecorder, type Happening } from "../../../control-plane/events/recorder.ts";
import { cryptoIds } from "../../../control-plane/ids.ts";
import { listObjects } from "../../../control-plane/state/objects.ts";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import { until } from "../../support/until.ts";

const happening = (more: Partial<Happening> = {}): Happening => ({
  about: { apiVersion: "v1", kind: "Pod", namespace: "default", name: "web", uid: "u1", fieldPath: "spec.containers{web}" },
  type: "Warning",
  reason: "BackOff",
  message: "Back-off restarting failed container",
  component: "kubelet",
  host: "node-1",
  ...more,
});

async function startRecorder() {
  const stack = new AsyncDisposableStack();
  const store = stack.use(openMemoryStore());
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const put = (name: string, metadata: object) =>
    store.commit({
      checks: [],
      writes: [{ type: "put", key: `namespaces/${name}`, value: { kind: "Namespace", metadata: { name, ...metadata } } }],
    });
  await put("default", {});
  await put("ending", { deletionTimestamp: "2026-01-01T00:00:00Z" });
  const recorder = createEventRecorder({ store, clock, ids: cryptoIds, log: createLog({ level: "silent", name: "test" }) });
  const stopping = new AbortController();
  const running = recorder.run(stopping.signal);
  stack.defer(async () => {
    stopping.abort();
    await running;
  });
  const events = () => listObjects(store, eventKind).map(({ object }) => object);
  return { store, clock, recorder, events, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("the event recorder", () => {
  it("writes Kubernetes' fields", async () => {
    await using lab = await startRecorder();
    lab.recorder.record(happening());
    await until(() => lab.events().length === 1, "an event");
    const [event] = lab.events();
    assert.match(event?.metadata?.name ?? "", /^web\.[0-9a-f]{16}$/);
    assert.match(event?.metadata?.uid ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(event?.metadata?.creationTimestamp, "2026-01-01T00:00:00Z");
    assert.deepEqual(eventKind.validate(event ?? assert.fail()), []);
    assert.deepEqual(
      { ...(eventKind.toJson(event ?? assert.fail()) as object), metadata: undefined },
      {
        apiVersion: "v1",
        kind: "Event",
        metadata: undefined,
        involvedObject: {
          apiVersion: "v1",
          kind: "Pod",
          namespace: "default",
          name: "web",
          uid: "u1",
          fieldPath: "spec.containers{web}",
        },
        reason: "BackOff",
        message: "Back-off restarting failed container",
        source: { component: "kubelet", host: "node-1" },
        firstTimestamp: "2026-01-01T00:00:00Z",
        lastTimestamp: "2026-01-01T00:00:00Z",
        count: 1,
        type: "Warning",
        reportingComponent: "kubelet",
        reportingInstance: "node-1",
      },
    );
  });

  it("counts the same again in one event, and keeps when it was first", async () => {
    await using lab = await startRecorder();
    lab.recorder.record(happening());
    await until(() => lab.events().length === 1, "an event");
    await lab.clock.advance(61_000);
    for (let i = 0; i < 3; i++) lab.recorder.record(happening());
    await until(() => lab.events()[0]?.count === 4, "four counted");
    const [event, ...more] = lab.events();
    assert.deepEqual(more, []);
    assert.equal(event?.firstTimestamp, "2026-01-01T00:00:00Z");
    assert.equal(event?.lastTimestamp, "2026-01-01T00:01:01Z");
  });

  const others: { title: string; other: Partial<Happening> }[] = [
    { title: "reason", other: { reason: "Failed" } },
    { title: "message", other: { message: "other" } },
    { title: "source", other: { host: "node-2" } },
    { title: "object", other: { about: { ...happening().about, uid: "u2" } } },
    { title: "part of the object", other: { about: { ...happening().about, fieldPath: "spec.containers{b}" } } },
  ];
  for (const { title, other } of others) {
    it(`writes another event for another ${title}`, async () => {
      await using lab = await startRecorder();
      lab.recorder.record(happening());
      lab.recorder.record(happening(other));
      await until(() => lab.events().length === 2, "two events");
      assert.deepEqual(
        lab.events().map(({ count }) => count),
        [1, 1],
      );
    });
  }

  it("names events so that a list of them is in the order of what happened", async () => {
    await using lab = await startRecorder();
    const reasons = ["Pulled", "Created", "Started", "Killing", "Another"];
    for (const reason of reasons.slice(0, 4)) lab.recorder.record(happening({ reason }));
    await until(() => lab.events().length === 4, "four events");
    await lab.clock.advance(1);
    lab.recorder.record(happening({ reason: "Another" }));
    await until(() => lab.events().length === 5, "another");
    assert.deepEqual(
      lab.events().map(({ reason }) => reason),
      reasons,
    );
  });

  it("begins anew where the event was deleted meanwhile", async () => {
    await using lab = await startRecorder();
    lab.recorder.record(happening());
    await until(() => lab.events().length === 1, "an event");
    const [key] = lab.store.list("events/").entries.map((entry) => entry.key);
    await lab.store.commit({ checks: [], writes: [{ type: "delete", key: key ?? "" }] });
    lab.recorder.record(happening());
    await until(() => lab.events().length === 1, "another event");
    assert.equal(lab.events()[0]?.count, 1);
  });

  it("hears 25 of one source about one object, then one each five minutes, and counts the rest", async () => {
    await using lab = await startRecorder();
    for (let i = 0; i < 40; i++) lab.recorder.record(happening());
    lab.recorder.record(happening({ about: { ...happening().about, name: "other", uid: "u2" } }));
    const countOf = (name: string) => lab.events().find(({ involvedObject }) => involvedObject?.name === name)?.count;
    await until(() => countOf("web") === 25 && countOf("other") === 1, "25 of one, one of the other");
    assert.equal(lab.recorder.drops.limited, 15);
    await lab.clock.advance(300_000);
    lab.recorder.record(happening());
    lab.recorder.record(happening());
    await until(() => countOf("web") === 26, "one more");
    assert.equal(lab.recorder.drops.limited, 16);
  });

  it("keeps no more than a bound waiting", async () => {
    await using lab = await startRecorder();
    for (let i = 0; i < 1_100; i++) lab.recorder.record(happening({ about: { ...happening().about, uid: `u${i}` } }));
    assert.equal(lab.recorder.drops.full, 100);
    await until(() => lab.events().length === 1_000, "a thousand events");
  });

  it("speaks of what has no namespace in default", async () => {
    await using lab = await startRecorder();
    lab.recorder.record(happening({ about: { kind: "Node", name: "node-1", uid: "n" } }));
    await until(() => lab.events().length === 1, "an event");
    assert.equal(lab.events()[0]?.metadata?.namespace, "default");
  });

  it("writes nothing into a namespace that ends or isn't there", async () => {
    await using lab = await startRecorder();
    lab.recorder.record(happening({ about: { ...happening().about, namespace: "ending" } }));
    lab.recorder.record(happening({ about: { ...happening().about, namespace: "nowhere" } }));
    lab.recorder.record(happening());
    await until(() => lab.events().length === 1, "the one event");
    assert.equal(lab.recorder.drops.homeless, 2);
  });

  it("shortens messages and names", async () => {
    await using lab = await startRecorder();
    const name = "a".repeat(253);
    lab.recorder.record(happening({ message: "x".repeat(5_000), about: { ...happening().about, name } }));
    await until(() => lab.events().length === 1, "an event");
    const [event] = lab.events();
    assert.equal(event?.message?.length, 1_024);
    assert.equal(event?.metadata?.name?.length, 253);
    assert.deepEqual(eventKind.validate(event ?? assert.fail()), []);
  });
});
