/* What stays, what comes back and what is cleared: rules that somebody deletes, agents that are killed, flows to endpoints that are gone. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inNetns, netnsPath } from "#kernel/netns.ts";
import { nftProgram } from "#kernel/nft-program.ts";
import { watchRuleset } from "#kernel/ruleset.ts";
import { type EndpointSketch, makeService, makeSlice } from "../support/service-objects.ts";
import { until } from "../support/until.ts";
import { type LabPod, openServiceLab, type Place, type ServiceLab, startTrio } from "./service-lab.ts";
import { ask, askForAll, type Question, runIn } from "./service-questions.ts";

const clusterIP = "10.96.0.80";
const web: Question = { protocol: "tcp", host: clusterIP, port: 80 };
const ports = [
  { name: "http", port: 80, nodePort: 30_080 },
  { name: "udp", port: 80, protocol: "UDP", nodePort: 30_080 },
] as const;
const slicePorts = [
  { name: "http", port: 8080 },
  { name: "udp", port: 8081, protocol: "UDP" },
] as const;

describe("the upkeep of services", () => {
  let lab: ServiceLab;
  let one: LabPod;
  let two: LabPod;
  let client: LabPod;

  before(async () => {
    lab = await openServiceLab();
    [one, two, client] = await startTrio(lab);
  });
  after(() => lab[Symbol.asyncDispose]());

  const endpoint = ({ address, node }: LabPod, more: Partial<EndpointSketch> = {}) => ({ address, node: node.name, ...more });
  const serve = (spec: object, ...endpoints: readonly EndpointSketch[]) =>
    lab.serve(
      makeService("web", { clusterIP, ports, spec: { type: "NodePort", ...spec } }),
      makeSlice("web-1", { service: "web", ports: slicePorts }, ...endpoints),
    );
  const nft = (...lines: readonly string[]) => runIn(lab.node(1), "nft", lines.join("; "));

  const damages = [
    ["deletes the table", "delete table ip podwire_services"],
    ["flushes the whole ruleset", "flush ruleset"],
    ["empties the chain that leads to services", "flush chain ip podwire_services prerouting"],
    ["empties a Service's chain", "flush chain ip podwire_services cluster/default/web/tcp/http"],
    ["deletes a Service from the map", `delete element ip podwire_services services { ${clusterIP} . tcp . 80 }`],
    ["adds a rule that drops all", "insert rule ip podwire_services forwarding drop"],
  ] as const;
  for (const [sentence, line] of damages) {
    it(`should recreate its rules if they are deleted: within a second when somebody ${sentence}`, async () => {
      await serve({}, endpoint(two));
      const listed = async () => withoutCounters(await nft("list table ip podwire_services"));
      const before = await listed();
      const damagedMs = performance.now();
      await nft(line);
      await until(async () => (await listed().catch(() => "")) === before, "the rules", 5_000);
      assert.ok(performance.now() - damagedMs < 1_000, `after ${performance.now() - damagedMs} ms`);
      assert.deepEqual(await ask(client, web), ["two"]);
    });
  }

  it("leaves rules and clients alone while nobody changes them", async () => {
    await serve({ sessionAffinity: "ClientIP" }, endpoint(one), endpoint(two));
    using watched = inNetns(lab.node(1).name, () => watchRuleset(nftProgram));
    await ask(client, web);
    // Nothing is to happen: that takes as long as the agent needs to look twice.
    await sleep(600);
    assert.equal(watched.changedByOthers(), false);
    await serve({ sessionAffinity: "ClientIP" }, endpoint(one));
    assert.equal(watched.changedByOthers(), true);
    await sleep(600);
    assert.equal(watched.changedByOthers(), false);
  });

  it("should work while no agent runs, and after another has started, with the same clients' pods", async () => {
    await serve({ sessionAffinity: "ClientIP" }, endpoint(one), endpoint(two));
    const [first = ""] = await ask(client, web);
    await using stream = openStream(client, web);
    await stream.answers(3);
    await lab.killAgent(lab.node(1));
    if (first === "one") assert.deepEqual(await askForAll(client, web), [first]);
    await lab.restartAgent(lab.node(1));
    assert.deepEqual(await askForAll(client, web), [first]);
    await stream.answers(stream.lines.length + 3);
    assert.equal(new Set(stream.lines.map((line) => line.split(" ")[1])).size, 1, "one connection");
  });

  it("changes with a Service that changed while no agent ran", async () => {
    await serve({}, endpoint(one));
    await lab.killAgent(lab.node(1));
    await serve({}, endpoint(two));
    assert.deepEqual(await askForAll(client, web), ["one"]);
    await lab.restartAgent(lab.node(1));
    assert.deepEqual(await askForAll(client, web), ["two"]);
  });

  it("never ends a connection of TCP: it goes on to a pod that is no endpoint any more", async () => {
    await serve({}, endpoint(one));
    await using stream = openStream(client, web);
    await stream.answers(3);
    await serve({}, endpoint(two));
    await serve({}, endpoint(two), endpoint(one, { ready: false, serving: true, terminating: true }));
    const before = stream.lines.length;
    await stream.answers(before + 5);
    assert.deepEqual(new Set(stream.lines).size, 1);
    assert.deepEqual(await askForAll(client, web), ["two"]);
  });

  for (const [name, to] of [
    ["a ClusterIP", () => ({ ...web, protocol: "udp" })],
    ["a NodePort", () => ({ protocol: "udp", host: lab.node(1).address, port: 30_080 })],
  ] as const satisfies readonly (readonly [string, () => Question])[]) {
    it(`should be able to preserve UDP traffic when server pod cycles for ${name} service`, async () => {
      await serve({}, endpoint(one));
      await using stream = openStream(client, to());
      await stream.until("one");
      await serve({}, endpoint(two));
      await stream.until("two");
      await serve({}, endpoint(one), endpoint(two, { ready: false, serving: false, terminating: true }));
      await stream.until("one");
    });

    it(`should be able to preserve UDP traffic when initial unready endpoints get ready for ${name} service`, async () => {
      await lab.serve();
      await using stream = openStream(client, to());
      await stream.started();
      await serve({}, endpoint(one, { ready: false, serving: false }));
      await serve({}, endpoint(one));
      await stream.until("one");
    });

    it(`ends flows of UDP to ${name} service that is gone`, async () => {
      await serve({}, endpoint(two));
      await using stream = openStream(client, to());
      await stream.until("two");
      await lab.serve();
      const flows = async () => (await runIn(lab.node(1), "conntrack", "-L", "-p", "udp", "--reply-src", two.address)).trim();
      await until(async () => (await flows()) === "", "the flow to go");
    });
  }

  it("leaves flows of UDP alone that go to an endpoint which ends and still serves", async () => {
    await serve({}, endpoint(one));
    await using stream = openStream(client, { ...web, protocol: "udp" });
    await stream.until("one");
    await serve({}, endpoint(two), endpoint(one, { ready: false, serving: true, terminating: true }));
    const before = stream.lines.length;
    await stream.answers(before + 5);
    assert.deepEqual([...new Set(stream.lines)], ["one"]);
  });
});

/** A listing of the table without the sets that say when their elements expire. */
function withoutCounters(listing: string): string {
  return listing.replaceAll(/^\tset (?:connections|requests) \{.*?^\t\}$/gms, "");
}

interface Stream extends AsyncDisposable {
  readonly lines: readonly string[];
  started(): Promise<void>;
  /** Waits until there are so many lines. */
  answers(count: number): Promise<void>;
  /** Waits until the newest line is this. */
  until(line: string): Promise<void>;
}

function openStream(place: Place, question: Question): Stream {
  const script = join(import.meta.dirname, "service-stream.ts");
  const netns = "netns" in place ? place.netns : place.name;
  const child = spawn("nsenter", [`--net=${netnsPath(netns)}`, process.execPath, script, JSON.stringify(question)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const lines = () => text.split("\n").slice(0, -1);
  return {
    get lines() {
      return lines();
    },
    async started() {
      const sent = () => runIn(place, "cat", "/proc/net/snmp");
      const datagrams = async () => Number(/^Udp: [0-9]+ [0-9]+ [0-9]+ ([0-9]+)/m.exec(await sent())?.[1]);
      const before = await datagrams();
      await until(async () => (await datagrams()) > before + 2, "questions to go out");
    },
    answers: (count) => until(() => lines().length >= count, `${count} answers`).then(() => {}),
    until: (line) => until(() => lines().at(-1) === line, `"${line}" to answer`).then(() => {}),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
