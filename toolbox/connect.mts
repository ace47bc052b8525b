/* agnhost connect HOST:PORT [--timeout 1s] [--protocol tcp|udp]: exits with 0, or says TIMEOUT, REFUSED, DNS or OTHER and exits with 1.
 * By UDP it sends a word and waits for any answer. */

import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { readFlags } from "./flags.mts";

interface Target {
  readonly host: string;
  readonly port: number;
  /** Without end where it is 0. */
  readonly timeoutMs: number;
}

export async function main(args: readonly string[]): Promise<void> {
  const { values, others } = readFlags(args, { timeout: "0", protocol: "tcp", "udp-data": "hello" });
  const [address = ""] = others;
  const [, host, port] = /^\[?(.+?)\]?:([0-9]+)$/.exec(address) ?? [];
  if (host === undefined) return finish(`OTHER: "${address}" is no host:port`);
  const target = { host, port: Number(port), timeoutMs: durationMs(values.timeout ?? "") };
  if (values.protocol === "tcp") connectTcp(target);
  else if (values.protocol === "udp") connectUdp(target, values["udp-data"] ?? "");
  else finish(`OTHER: there is no protocol "${values.protocol}": use tcp or udp`);
}

function connectTcp({ host, port, timeoutMs }: Target): void {
  const socket = connect({ host, port });
  limit(timeoutMs);
  socket.once("connect", () => finish());
  socket.once("error", (error) => finish(outcomeOf(error)));
}

function connectUdp({ host, port, timeoutMs }: Target, data: string): void {
  const socket = createSocket("udp4");
  limit(timeoutMs);
  socket.once("error", (error) => finish(outcomeOf(error)));
  socket.once("message", () => finish());
  // Connected: a port that nobody opened then answers with an error.
  socket.connect(port, host, (error?: Error) => {
    if (error === undefined || error === null) socket.send(data);
  });
}

function limit(timeoutMs: number): void {
  if (timeoutMs > 0) setTimeout(() => finish("TIMEOUT"), timeoutMs);
}

function outcomeOf(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ECONNREFUSED") return "REFUSED";
  if (code === "ETIMEDOUT") return "TIMEOUT";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `DNS: ${error.message}`;
  return `OTHER: ${error.message}`;
}

function finish(failure?: string): never {
  if (failure !== undefined) process.stderr.write(`${failure}\n`);
  process.exit(failure === undefined ? 0 : 1);
}

/** As Go writes it: "1.5s", "300ms", "1m30s". */
function durationMs(text: string): number {
  if (/^0*$/.test(text)) return 0;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const parts = [...text.matchAll(/([0-9.]+)(ms|s|m|h)/g)];
  if (parts.map(([part]) => part).join("") !== text) throw new Error(`time: invalid duration "${text}"`);
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0), 0);
}
