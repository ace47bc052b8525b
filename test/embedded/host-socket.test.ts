import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { AppError } from "#core/errors.ts";
import { createLog } from "#process/log.ts";
import type { HostFleet } from "../../embedded/host-fleet.ts";
import type { HostInfo } from "../../embedded/host-requests.ts";
import { askHosts, serveHosts } from "../../embedded/host-socket.ts";
import { temporaryFolder } from "../node-agent/temporary-folder.ts";
import { refusal } from "../support/refusal.ts";
import { until } from "../support/until.ts";

const { signal } = new AbortController();
const log = createLog({ level: "silent", name: "test" });
const infoOf = (name: string): HostInfo => ({ name, address: "172.18.1.1", labels: {}, power: "running" });

/** A fleet that does nothing, and remembers what it was asked. */
function openSocket(more: Partial<HostFleet> = {}) {
  const folder = temporaryFolder();
  const path = join(folder.path, "hosts.sock");
  const over = new AbortController();
  const asked: unknown[] = [];
  const answer = async (...words: unknown[]) => {
    asked.push(words);
    return infoOf(String(words[1]));
  };
  const fleet: HostFleet = {
    list: () => [infoOf("node-1"), infoOf("node-2")],
    async add(wanted) {
      asked.push(wanted);
      return wanted.labels.map((_, i) => infoOf(`node-${i + 3}`));
    },
    start: (name) => answer("start", name),
    stop: (name, timeoutMs) => answer("stop", name, timeoutMs),
    kill: (name) => answer("kill", name),
    remove: (name) => answer("remove", name),
    ...more,
  };
  const served = serveHosts({ path, fleet, log, signal: over.signal });
  return {
    path,
    asked,
    async [Symbol.asyncDispose]() {
      over.abort();
      await served;
      folder[Symbol.dispose]();
    },
  };
}

describe("the socket of a cluster's hosts", () => {
  it("is its owner's alone, and answers each request", async () => {
    await using socket = openSocket();
    await until(() => statSync(socket.path, { throwIfNoEntry: false }), "the socket");
    assert.equal(statSync(socket.path).mode & 0o777, 0o600);
    const names = async (...request: Parameters<typeof askHosts>) => (await askHosts(...request)).map(({ name }) => name);
    assert.deepEqual(await names(socket.path, { op: "list" }, signal), ["node-1", "node-2"]);
    const added = await names(socket.path, { op: "add", count: 2, labels: { a: "b" }, taken: ["node-9"] }, signal);
    assert.deepEqual(added, ["node-3", "node-4"]);
    for (const op of ["start", "kill", "remove"] as const) await askHosts(socket.path, { op, name: "node-1" }, signal);
    await askHosts(socket.path, { op: "stop", name: "node-1", timeoutMs: 500 }, signal);
    assert.deepEqual(socket.asked, [
      { labels: [{ a: "b" }, { a: "b" }], taken: ["node-9"] },
      ["start", "node-1"],
      ["kill", "node-1"],
      ["remove", "node-1"],
      ["stop", "node-1", 500],
    ]);
  });

  it("answers errors by their kind, and goes on", async () => {
    const refused = new AppError("not-found", 'there is no node "x"');
    await using socket = openSocket({ start: () => Promise.reject(refused) });
    const { kind, message } = await refusal(askHosts(socket.path, { op: "start", name: "x" }, signal));
    assert.deepEqual([kind, message], ["not-found", 'there is no node "x"']);
    assert.equal((await askHosts(socket.path, { op: "list" }, signal)).length, 2);
  });

  it("answers several requests of one connection in their order, wrong ones among them", async () => {
    await using socket = openSocket();
    const client = connect(socket.path).setEncoding("utf8");
    client.end('{"op":"list"}\nnonsense\n{"op":"kill","name":"node-1"}\n');
    let text = "";
    for await (const part of client) text += part;
    const answers = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      answers.map(({ hosts, error }) => hosts?.length ?? error.kind),
      [2, "invalid", 1],
    );
  });

  it("closes a connection whose line has no end", async () => {
    await using socket = openSocket();
    const client = connect(socket.path);
    client.on("error", () => {});
    client.write("x".repeat(1_000_000));
    await until(() => client.closed || client.resume().readableEnded, "the end of the connection");
    assert.equal((await askHosts(socket.path, { op: "list" }, signal)).length, 2);
  });

  it("says so where nobody answers", async () => {
    const { kind } = await refusal(askHosts("/nonexistent/hosts.sock", { op: "list" }, signal));
    assert.equal(kind, "unavailable");
  });

  it("lets go of a request that the user interrupts", async () => {
    await using socket = openSocket({ stop: () => new Promise(() => {}) });
    const interrupted = new AbortController();
    const asking = askHosts(socket.path, { op: "stop", name: "node-1", timeoutMs: 1 }, interrupted.signal);
    setImmediate(() => interrupted.abort());
    await assert.rejects(asking, { name: "AbortError" });
  });
});
