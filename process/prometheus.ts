/* What a daemon knows of itself, for Prometheus: GET /metrics in its text format. Everything is read when it is asked for; the library comes
 * only with the flag, since it costs a process 20 MB. */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError, invalid, messageOf } from "#core/errors.ts";
import type { Logger } from "./log.ts";

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  /** As Prometheus wants names: base units, and `_total` for what only grows. */
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

export interface MetricsServerOptions {
  readonly listen: MetricsAddress;
  readonly read: () => readonly Family[];
  readonly log: Logger;
}

export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
}

/** A sample for each reason. */
export function byReason(counts: Readonly<Record<string, number>>, labels: Sample["labels"] = {}): Sample[] {
  return Object.entries(counts).map(([reason, value]) => ({ labels: { ...labels, reason }, value }));
}

const requestMs = 5_000;

/** `HOST:PORT`, or "invalid" with the flag's name. */
export function parseMetricsAddress(text: string | undefined): MetricsAddress | undefined {
  if (text === undefined) return undefined;
  const [, host, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):([0-9]{1,5})$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  if (host === undefined || !(Number(port) <= 65_535))
    throw invalid(`--metrics ${JSON.stringify(text)}: want HOST:PORT, such as 127.0.0.1:9464`);
  return { host, port: Number(port) };
}

/** "failed-precondition" where the address can't be had. */
export async function serveMetrics({ listen, read, log }: MetricsServerOptions): Promise<MetricsServer> {
  const { collectDefaultMetrics, Counter, Gauge, Registry } = await import("prom-client");
  const own = new Registry();
  collectDefaultMetrics({ register: own });

  const render = async (): Promise<string> => {
    const registry = new Registry();
    for (const { name, help, samples } of read()) {
      const labelNames = [...new Set(samples.flatMap(({ labels = {} }) => Object.keys(labels)))];
      const options = { name, help, labelNames, registers: [registry] };
      const metric = name.endsWith("_total") ? new Counter(options) : new Gauge(options);
      for (const { labels = {}, value } of samples) metric.inc(labels, value);
    }
    return `${await registry.metrics()}\n${await own.metrics()}`;
  };

  const server = createServer({ requestTimeout: requestMs, headersTimeout: requestMs }, (request, response) => {
    if (request.url?.split("?")[0] !== "/metrics") return answer(response, 404, "text/plain", "want /metrics\n");
    if (request.method !== "GET" && request.method !== "HEAD") return answer(response, 405, "text/plain", "want GET\n");
    render().then(
      (text) => answer(response, 200, own.contentType, text),
      (error) => {
        log.error({ err: error }, "metrics could not be told");
        answer(response, 500, "text/plain", "the reason is in the log\n");
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const where = `${listen.host}:${listen.port}`;
      reject(new AppError("failed-precondition", `--metrics ${where} can't be had: ${messageOf(error)}`, { cause: error }));
    });
    server.listen(listen.port, listen.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  log.info({ host: listen.host, port }, "metrics ready");
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      own.clear();
    },
  };
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "x-content-type-options": "nosniff" });
  response.end(body);
}
