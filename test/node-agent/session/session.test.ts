import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { createManualClock, type ManualClock } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import { createRng } from "#core/rng.ts";
import type { Changes, Hello, OpenStream, PodReport } from "#proto/podwire/v1/agent.ts";
import { type IdentityFile, openIdentity } from "../../../node-agent/identity.ts";
import { runSession, type SendEvent, type SendReport } from "../../../node-agent/session/session.ts";
import { until } from "../../support/until.ts";
import { joinToken, type PlayedSession, playControlPlane } from "../fake-control-plane.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const hello: Hello = {
  ...{ bootId: "boot/agent", internalIP: "192.168.0.1", tunnelEndpoint: "192.168.0.1:7444" },
  ...{ heldEpoch: 0, heldPodCIDR: "", heldPodUids: ["u1"], nodeInfo: undefined, capacity: {} },
};
const reportOf = (uid: string): PodReport => ({ namespace: "default", name: uid, uid, status: undefined, gone: false });

interface TestAgent extends AsyncDisposable {
  readonly identity: IdentityFile;
  readonly clock: ManualClock;
  readonly logged: readonly { readonly level: number; readonly msg: string; readonly reason?: string; readonly err?: object }[];
  readonly changes: readonly Changes[];
  readonly opened: readonly OpenStream[];
  /** The ids of streams whose users are gone. */
  readonly closed: readonly string[];
  /** Of the newest session. */
  readonly send: SendReport;
  readonly sendEvent: SendEvent;
  readonly welcomes: number;
  onChanges: () => void;
  readonly ended: Promise<void>;
  stop(): void;
  shutDown(): void;
  leave(): void;
  /** Turns the clock until it holds. */
  turn(holds: () => boolean, what: string): Promise<void>;
}

/** A session whose pods are u1 and u2. */
function startAgent(
  folder: string,
  { token = joinToken, hello: own = hello }: { token?: string | null; hello?: Hello } = {},
): TestAgent {
  const controller = new AbortController();
  const [begun, done] = [new AbortController(), new AbortController()];
  const identity = openIdentity(join(folder, "agent"));
  const clock = createManualClock();
  const logged: { level: number; msg: string }[] = [];
  const log = pino({ level: "trace" }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const changes: Changes[] = [];
  const opened: OpenStream[] = [];
  const closed: string[] = [];
  let send: SendReport = () => {};
  let sendEvent: SendEvent = () => false;
  let welcomes = 0;
  const agent = {
    ...{ identity, clock, logged, changes, opened, closed },
    get send() {
      return send;
    },
    get sendEvent() {
      return sendEvent;
    },
    get welcomes() {
      return welcomes;
    },
    onChanges: () => {},
    stop: () => controller.abort(),
    shutDown: () => begun.abort(),
    leave: () => done.abort(),
    async turn(holds: () => boolean, what: string) {
      await until(async () => {
        if (holds()) return true;
        await clock.advance(100);
        return false;
      }, what);
    },
  };
  const ended = runSession({
    shutdown: { begun: begun.signal, done: done.signal },
    server: `unix:${join(folder, "api.sock")}`,
    ...{ nodeName: "node-1", labels: { zone: "a" }, joinToken: () => token ?? undefined, identity },
    hello: () => own,
    ...{ clock, rng: createRng(1), log, signal: controller.signal },
    on: {
      welcome(_, senders) {
        welcomes += 1;
        sendEvent = senders.event;
        send = senders.report;
        for (const uid of ["u1", "u2"]) send(reportOf(uid));
      },
      changes(next) {
        agent.onChanges();
        changes.push(next);
        return Promise.resolve();
      },
      openStream: (request) => void opened.push(request),
      closeStream: (streamId) => void closed.push(streamId),
    },
  });
  return Object.assign(agent, {
    ended,
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended;
    },
  });
}

function uids(session: PlayedSession): string[] {
  return session.of("podReport").map(({ uid }) => uid);
}

describe("the agent's session", () => {
  it("joins with the token, and then speaks under its new identity", async () => {
    using folder = temporaryFolder();
    const address = `unix:${join(folder.path, "api.sock")}`;
    await using plane = await playControlPlane({ address });
    await using agent = startAgent(folder.path);
    const session = await plane.session(0);
    assert.deepEqual(plane.joins, [
      { token: joinToken, request: { nodeName: "node-1", labels: { zone: "a" }, previousPodCIDR: "" } },
    ]);
    const identity = agent.identity.load();
    assert.deepEqual([session.node, session.credential], ["node-1", identity?.credential]);
    assert.equal(statSync(join(folder.path, "agent", "identity.json")).mode & 0o777, 0o600);
    const text = JSON.stringify(agent.logged);
    assert.ok(!text.includes(joinToken) && !text.includes(identity?.credential ?? "?"), "no secret is logged");
  });

  it("keeps its identity over a restart, and doesn't join again", async () => {
    using folder = temporaryFolder();
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    {
      await using _ = startAgent(folder.path);
      await plane.session(0);
    }
    await using _ = startAgent(folder.path, { token: null });
    const second = await plane.session(1);
    assert.equal(second.credential, plane.sessions[0]?.credential);
    assert.equal(plane.joins.length, 1);
  });

  it("says hello first, then how everything is, then that it lives, each second", async () => {
    using folder = temporaryFolder();
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    await using agent = startAgent(folder.path);
    const session = await plane.session(0);
    await until(() => session.ups.length === 1, "hello");
    assert.deepEqual(session.of("hello"), [{ ...hello, nodeInfo: undefined }]);
    session.welcome(7);
    await until(() => uids(session).length === 2, "the reports");
    assert.deepEqual(uids(session), ["u1", "u2"]);
    assert.equal(agent.identity.loadBlock().epoch, 7);
    await until(() => session.of("heartbeat").length === 1, "the first heartbeat");
    await agent.clock.advance(3_000);
    await until(() => session.of("heartbeat").length === 4, "three more");
    assert.deepEqual(
      session.of("heartbeat").map(({ sequence }) => sequence),
      [1, 2, 3, 4],
    );
    agent.send(reportOf("u3"));
    await until(() => uids(session).includes("u3"), "a later report");
  });

  it("hands on changes and streams, and acknowledges each revision", async () => {
    using folder = temporaryFolder();
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    await using agent = startAgent(folder.path);
    const session = await plane.session(0);
    session.welcome();
    for (const revision of [5, 6]) session.changes({ revision, snapshotStart: revision === 5, snapshotEnd: true });
    session.openStream({ streamId: "s1", start: undefined });
    session.closeStream("s1");
    await until(() => session.of("ack").length === 2 && agent.closed.length === 1, "two acknowledgements and a stream");
    assert.deepEqual(
      session.of("ack").map(({ revision }) => revision),
      [5, 6],
    );
    assert.deepEqual(
      [agent.changes.map(({ revision }) => revision), agent.opened[0]?.streamId, agent.closed],
      [[5, 6], "s1", ["s1"]],
    );
  });

  it("hands on events, as many as it can without harm to itself", async () => {
    using folder = temporaryFolder();
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    await using agent = startAgent(folder.path);
    const session = await plane.session(0);
    session.welcome();
    await until(() => agent.welcomes === 1, "the welcome");
    const event = { namespace: "default", name: "web", uid: "u1", type: "Normal", reason: "Started", message: "", fieldPath: "" };
    const taken = Array.from({ length: 5_000 }, (_, i) => agent.sendEvent({ ...event, message: String(i) })).filter(
      Boolean,
    ).length;
    assert.ok(taken >= 500 && taken < 1_100, `${taken} were taken`);
    agent.send(reportOf("u3"));
    await until(() => uids(session).includes("u3"), "a report after them");
    assert.equal(session.of("podEvent").length, taken);
    assert.deepEqual(session.of("podEvent")[0], { ...event, message: "0" });
    assert.equal(plane.sessions.length, 1);
  });

  it("comes back after the control plane died, and says all again", async () => {
    using folder = temporaryFolder();
    const address = `unix:${join(folder.path, "api.sock")}`;
    const first = await playControlPlane({ address });
    await using agent = startAgent(folder.path);
    const before = await first.session(0);
    before.welcome();
    await until(() => uids(before).length === 2, "the reports");
    await first[Symbol.asyncDispose]();
    await until(() => agent.logged.some(({ msg }) => msg === "session ended"), "the session to end");
    agent.send(reportOf("of a session that is over"));
    await agent.turn(() => agent.logged.filter(({ msg }) => msg === "session ended").length >= 4, "some failed tries");

    await using second = await playControlPlane({ address, known: [before.credential] });
    await agent.turn(() => second.sessions.length > 0, "the next session");
    const session = await second.session(0);
    assert.equal(session.credential, before.credential);
    session.welcome(2);
    await until(() => uids(session).length === 2 && session.of("hello").length === 1, "hello and the reports");
    assert.deepEqual([uids(session), second.joins], [["u1", "u2"], []]);
    for (const { msg, reason } of agent.logged.filter(({ msg }) => msg === "session ended")) {
      assert.notEqual(reason ?? "", "", `${msg} has a reason`);
    }
  });

  it("waits longer after each failure, a second at most, and begins anew once it was welcome", async () => {
    using folder = temporaryFolder();
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    await using agent = startAgent(folder.path);
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      (await plane.session(i)).end(new AppError("unavailable", "going away"));
      await until(() => agent.logged.filter(({ msg }) => msg === "session ended").length === i + 1, `end ${i}`);
      const startMs = agent.clock.monotonicMs();
      await until(
        async () => {
          if (plane.sessions.length > i + 1) return true;
          if (agent.clock.monotonicMs() - startMs < 1_000) await agent.clock.advance(10);
          return false;
        },
        `session ${i + 1}`,
      );
      waits.push(agent.clock.monotonicMs() - startMs);
    }
    const ceilings = [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000];
    for (const [i, ceiling] of ceilings.entries()) {
      assert.ok((waits[i] ?? 0) >= ceiling / 2 - 10, `${waits} ms waited before try ${i}`);
    }
    const session = await plane.session(8);
    session.welcome();
    await until(() => agent.welcomes === 1, "the welcome");
    session.end();
    await until(() => session.over, "the end");
    const startMs = agent.clock.monotonicMs();
    await agent.turn(() => plane.sessions.length === 10 || agent.clock.monotonicMs() - startMs > 200, "the next session, soon");
    await plane.session(9);
  });

  it("joins again where the control plane doesn't know it, with the block that it had", async () => {
    using folder = temporaryFolder();
    const address = `unix:${join(folder.path, "api.sock")}`;
    await using plane = await playControlPlane({ address });
    const identity = openIdentity(join(folder.path, "agent"));
    identity.save({ nodeName: "node-1", credential: "of another cluster" });
    identity.saveBlock({ epoch: 3, podCidr: "10.244.3.0/24" });
    await using agent = startAgent(folder.path);
    await agent.turn(() => plane.sessions.length === 1, "a session");
    assert.equal(plane.refusals, 1);
    assert.deepEqual(plane.joins[0]?.request.previousPodCIDR, "10.244.3.0/24");
    assert.ok(agent.logged.some(({ level, msg }) => level === 40 && /joining again/.test(msg)));
    assert.notEqual(agent.identity.load()?.credential, "of another cluster");
  });

  it("joins anew under another name", async () => {
    using folder = temporaryFolder();
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    openIdentity(join(folder.path, "agent")).save({ nodeName: "node-9", credential: "of node-9" });
    await using _ = startAgent(folder.path);
    assert.equal((await plane.session(0)).node, "node-1");
    assert.equal(plane.joins.length, 1);
  });

  for (const token of ["a wrong token", null]) {
    it(`goes on asking, and says why not, with ${token ?? "no token"}`, async () => {
      using folder = temporaryFolder();
      await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
      await using agent = startAgent(folder.path, { token });
      await agent.turn(() => plane.refusals >= 4, "four tries");
      const refused = agent.logged.filter(({ level }) => level >= 40);
      assert.ok(refused.length >= 3);
      assert.match(JSON.stringify(refused[0]?.err), /who are you\?/);
      assert.ok(agent.clock.monotonicMs() >= 250, "it waits between its tries");
      assert.equal(plane.sessions.length, 0);
    });
  }

  it("ends the session where it can't make sense of a change, says so, and starts anew", async () => {
    using folder = temporaryFolder();
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    await using agent = startAgent(folder.path);
    agent.onChanges = () => {
      throw new AppError("invalid", "no such block");
    };
    const session = await plane.session(0);
    session.welcome();
    session.changes({ revision: 9 });
    await until(() => agent.logged.some(({ reason }) => reason === "no such block"), "the reason in the log");
    await agent.turn(() => plane.sessions.length === 2, "the next session");
    await until(() => session.over, "the first session to be over");
    assert.deepEqual(session.of("ack"), []);
  });

  it("gives up a session that takes nothing, rather than keep reports without end", async function () {
    this.timeout(30_000);
    using folder = temporaryFolder();
    const address = `unix:${join(folder.path, "api.sock")}`;
    await using plane = await playControlPlane({ address, deaf: true });
    await using agent = startAgent(folder.path);
    const session = await plane.session(0);
    session.welcome();
    await until(() => agent.welcomes === 1, "the welcome");
    const status = {
      phase: "x".repeat(1_000),
      conditions: [],
      hostIPs: [],
      podIPs: [],
      containerStatuses: [],
      initContainerStatuses: [],
    };
    for (let i = 0; i < 10_000; i++) {
      agent.send({ ...reportOf(`u${i}`), status: status as never });
      if (i % 500 === 0) await new Promise(setImmediate);
    }
    await until(
      () => agent.logged.some(({ reason }) => /takes nothing any more/.test(reason ?? "")),
      "the session to be given up",
    );
    await agent.turn(() => plane.sessions.length >= 2, "the next session");
  });

  it("says that the host shuts down, in each session from then on", async () => {
    using folder = temporaryFolder();
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    await using agent = startAgent(folder.path);
    const first = await plane.session(0);
    first.welcome();
    await until(() => agent.welcomes === 1, "the welcome");
    assert.equal(first.of("shuttingDown").length, 0);
    agent.shutDown();
    await until(() => first.of("shuttingDown").length === 1, "the word");
    first.end(new AppError("unavailable", "gone"));
    await agent.turn(() => plane.sessions.length === 2, "the next session");
    const second = await plane.session(1);
    await until(() => second.of("shuttingDown").length === 1, "the word again");
    assert.equal(second.ups[0]?.message?.$case, "hello");
  });

  it("says all that it has to say before the agent leaves, and then waits for nobody", async () => {
    using folder = temporaryFolder();
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    const agent = startAgent(folder.path);
    const session = await plane.session(0);
    session.welcome();
    await until(() => agent.welcomes === 1, "the welcome");
    for (let i = 0; i < 100; i++) agent.send(reportOf(`last-${i}`));
    agent.leave();
    await until(() => uids(session).includes("last-99"), "the last words");
    // The control plane says nothing to that.
    await agent.clock.advance(1_000);
    await agent.ended;
    assert.equal(plane.sessions.length, 1);
  });

  it("leaves at once where there is no session", async () => {
    using folder = temporaryFolder();
    const agent = startAgent(folder.path);
    await until(() => agent.logged.some(({ msg }) => msg === "session ended"), "a first try");
    agent.leave();
    await agent.ended;
  });

  it("ends with its signal, in whatever state", async () => {
    using folder = temporaryFolder();
    const nobody = startAgent(folder.path);
    nobody.stop();
    await nobody.ended;
    await using plane = await playControlPlane({ address: `unix:${join(folder.path, "api.sock")}` });
    const agent = startAgent(folder.path);
    const session = await plane.session(0);
    session.welcome();
    await until(() => agent.welcomes === 1, "the welcome");
    agent.stop();
    await agent.ended;
    await until(() => session.over, "the control plane to see it");
  });
});
