/* Packets, and where nft's own trace says that they end: sent from a few places, marked to be traced on their way in, looked at last where
 * nothing can change them any more. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { netnsPath } from "#kernel/netns.ts";
import { run } from "#kernel/run.ts";
import { until } from "../support/until.ts";

export interface Shot {
  readonly protocol: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
  /** Tells it from all others. */
  readonly localPort: number;
}

export type TracedFate =
  | { readonly fate: "refused" | "dropped" }
  /** It was let through, as `source` and `destination` (address:port) are at last. */
  | { readonly fate: "delivered"; readonly source: string; readonly destination: string };

export interface Tracer extends AsyncDisposable {
  /** From a network namespace; undefined is the host's. */
  shoot(netns: string | undefined, shot: Shot): Promise<TracedFate>;
}

const { signal } = new AbortController();

/** In the network namespace that the main thread is in. */
export async function openTracer(): Promise<Tracer> {
  await using cleanups = new AsyncDisposableStack();
  await run(["nft", "-f", "-"], { input: `${ruleset.join("\n")}\n`, signal });
  const monitor = cleanups.use(startProgram("nft", ["monitor", "trace"]));
  let text = "";
  monitor.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const senders = new Map<string | undefined, ChildProcess>();
  const senderIn = (netns: string | undefined): ChildProcess => {
    const known = senders.get(netns);
    if (known !== undefined) return known;
    const sender = [process.execPath, join(import.meta.dirname, "packet-sender.ts")];
    const [program = "", ...args] = netns === undefined ? sender : ["nsenter", `--net=${netnsPath(netns)}`, ...sender];
    const child = all.use(startProgram(program, args));
    senders.set(netns, child);
    return child;
  };
  const all = cleanups.move();
  const shoot = (netns: string | undefined, shot: Shot): Promise<TracedFate> => {
    text = "";
    senderIn(netns).stdin?.write(`${JSON.stringify(shot)}\n`);
    return until(() => fateIn(text, shot), `the trace of ${JSON.stringify(shot)}`);
  };
  // Until the monitor listens, packets leave no trace.
  let port = 9_000;
  await until(async () => {
    port += 1;
    senderIn(undefined).stdin?.write(`${JSON.stringify({ protocol: "udp", host: "192.168.0.1", port: 9, localPort: port })}\n`);
    return text !== "";
  }, "the trace to begin");
  return { shoot, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const table = "ip tracing";
const ruleset = [
  `add table ${table}`,
  ...["prerouting", "output"].flatMap((hook) => [
    `add chain ${table} ${hook} { type filter hook ${hook} priority -400; }`,
    `add rule ${table} ${hook} tcp flags & (syn | ack) == syn meta nftrace set 1`,
    `add rule ${table} ${hook} meta l4proto udp meta nftrace set 1`,
  ]),
  ...["input", "postrouting"].flatMap((hook) => [
    `add chain ${table} last_${hook} { type filter hook ${hook} priority 400; }`,
    `add rule ${table} last_${hook} counter`,
  ]),
];

/** Undefined as long as the packet's way is not known to its end. */
function fateIn(text: string, { protocol, localPort }: Shot): TracedFate | undefined {
  const lines = text.split("\n").slice(0, -1);
  const first = lines.find((line) => line.includes(" packet: ") && line.includes(`${protocol} sport ${localPort} `));
  const id = first?.split(" ")[2];
  if (id === undefined) return undefined;
  for (const line of lines.filter((line) => line.startsWith(`trace id ${id} `))) {
    if (line.endsWith("(verdict drop)")) return { fate: line.includes(" podwire_services refuse ") ? "refused" : "dropped" };
    if (!/ tracing last_(input|postrouting) packet: /.test(line)) continue;
    // A packet of the node's to itself passes postrouting before it comes in: that is its end too.
    const value = (name: string) => new RegExp(` ${name} ([0-9.]+)`).exec(line)?.[1];
    return {
      fate: "delivered",
      source: value("ip saddr") ?? "",
      destination: `${value("ip daddr")}:${value(`${protocol} dport`)}`,
    };
  }
  return undefined;
}

function startProgram(program: string, args: readonly string[]): ChildProcess & AsyncDisposable {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  });
}
