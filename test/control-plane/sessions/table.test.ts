import assert from "node:assert/strict";
import { createManualClock } from "#core/clock.ts";
import { createLeases } from "../../../control-plane/sessions/leases.ts";
import { createSessionTable } from "../../../control-plane/sessions/table.ts";

const timeoutMs = 3_000;
const never = new AbortController().signal;

function start() {
  const clock = createManualClock();
  const leases = createLeases({ nowMs: () => clock.monotonicMs(), run: async () => {} }, timeoutMs);
  return { clock, leases, sessions: createSessionTable(leases, clock) };
}

describe("awaitLive", () => {
  it("answers a live session at once", async () => {
    const { leases, sessions } = start();
    const session = sessions.open("node-1", "boot-1");
    leases.begin("node-1");
    assert.equal(await sessions.awaitLive("node-1", never), session);
  });

  it("waits for an agent to come back after the control plane's start", async () => {
    const { clock, leases, sessions } = start();
    const found = sessions.awaitLive("node-1", never);
    await clock.advance(timeoutMs - 1);
    sessions.open("node-2", "boot-1");
    const session = sessions.open("node-1", "boot-1");
    leases.begin("node-1");
    assert.equal(await found, session);
  });

  it("waits no longer than the lease holds", async () => {
    const { clock, leases, sessions } = start();
    const session = sessions.open("node-1", "boot-1");
    leases.begin("node-1");
    sessions.close(session);
    await clock.advance(timeoutMs - 1);
    let answer: unknown = "waits";
    const found = sessions.awaitLive("node-1", never).then((given) => {
      answer = given;
    });
    assert.equal(answer, "waits");
    await clock.advance(1);
    await found;
    assert.equal(answer, undefined);
  });

  it("lets no more than 1,024 wait", async () => {
    const { clock, sessions } = start();
    const waiting = Array.from({ length: 1_024 }, () => sessions.awaitLive("node-1", never));
    await assert.rejects(sessions.awaitLive("node-1", never), /try again/);
    await clock.advance(timeoutMs);
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set([undefined]));
  });

  it("waits for no node that shuts down, and for nobody whose caller has gone", async () => {
    const { leases, sessions } = start();
    const gone = new AbortController();
    const found = sessions.awaitLive("node-2", gone.signal);
    gone.abort();
    assert.equal(await found, undefined);
    leases.leave("node-1");
    assert.equal(await sessions.awaitLive("node-1", never), undefined);
  });
});
