import assert from "node:assert/strict";
import { createManualClock } from "#core/clock.ts";
import { configMapKind } from "#core/objects/config-map.ts";
import { deploymentKind } from "#core/objects/deployment.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Session } from "../../../control-plane/sessions/table.ts";
import { wakeSessions } from "../../../control-plane/sessions/wake.ts";
import { putObject } from "../../../control-plane/state/objects.ts";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import type { Write } from "../../../control-plane/store/store.ts";
import { until } from "../../support/until.ts";

const names = ["a", "b", "c"];

async function startWaking(sessionCount = names.length) {
  const store = openMemoryStore();
  const clock = createManualClock();
  const woken: string[] = [];
  const sessions = {
    count: sessionCount,
    find: (node: string) => (names.includes(node) ? ({ wake: () => woken.push(node) } as unknown as Session) : undefined),
    wakeAll: () => woken.push("everybody"),
  };
  const stop = new AbortController();
  const running = wakeSessions({ store, sessions, clock }, stop.signal);
  const commit = async (...writes: Write[]) => {
    await store.commit({ checks: [], writes });
    // The last of a batch is heard of last.
    await store.commit({ checks: [], writes: [podOn("c", "last", String(store.revision))] });
    await until(() => woken.at(-1) === "c", "the changes to be heard of");
    woken.pop();
    return woken.splice(0);
  };
  return {
    ...{ clock, commit, woken, store },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await store[Symbol.asyncDispose]();
    },
  };
}

function put<T extends ApiObject>(kind: Kind<T>, json: object): Write {
  return putObject(kind, kind.fromJson(json));
}

function podOn(nodeName: string, name = "web", label = ""): Write {
  return put(podKind, { metadata: { name, namespace: "default", uid: name, labels: { label } }, spec: { nodeName } });
}

const nodeOf = (name: string, podCIDR: string, ready = "True") =>
  put(nodeKind, {
    metadata: { name },
    spec: { podCIDR, podCIDRs: [podCIDR] },
    status: { conditions: [{ type: "Ready", status: ready }] },
  });

describe("a change", () => {
  it("of a pod wakes the sessions of the nodes that it leaves and comes to", async () => {
    await using waking = await startWaking();
    assert.deepEqual(await waking.commit(podOn("a")), ["a"]);
    assert.deepEqual(await waking.commit(podOn("b")), ["a", "b"]);
    assert.deepEqual(await waking.commit({ type: "delete", key: "pods/default/web" }), ["b"]);
    assert.deepEqual(await waking.commit(podOn("")), []);
  });

  it("of what every node must know wakes everybody", async () => {
    await using waking = await startWaking();
    const configMap = put(configMapKind, { metadata: { name: "x", namespace: "default" } });
    assert.deepEqual(await waking.commit(configMap), ["everybody"]);
    assert.deepEqual(await waking.commit(nodeOf("a", "10.244.0.0/24")), ["everybody"]);
    assert.deepEqual(await waking.commit({ type: "delete", key: "nodes/a" }), ["everybody"]);
  });

  it("of a node's conditions, or of what no agent is told, wakes nobody", async () => {
    await using waking = await startWaking();
    await waking.commit(nodeOf("a", "10.244.0.0/24"));
    assert.deepEqual(await waking.commit(nodeOf("a", "10.244.0.0/24", "False")), []);
    const deployment = put(deploymentKind, { metadata: { name: "web", namespace: "default" } });
    assert.deepEqual(await waking.commit(deployment), []);
  });

  it("for everybody, soon after another, waits the longer for more the more sessions there are", async () => {
    await using waking = await startWaking(1_000);
    assert.deepEqual(await waking.commit(nodeOf("a", "10.244.0.0/24")), ["everybody"]);
    assert.deepEqual(await waking.commit(nodeOf("b", "10.244.1.0/24")), []);
    assert.deepEqual(await waking.commit(nodeOf("c", "10.244.2.0/24")), []);
    await waking.clock.advance(99);
    assert.deepEqual(waking.woken, []);
    await waking.clock.advance(1);
    assert.deepEqual(waking.woken.splice(0), ["everybody"]);
    await waking.clock.advance(100);
    assert.deepEqual(await waking.commit(nodeOf("d", "10.244.3.0/24")), ["everybody"]);
  });
});
