/* agnhost netexec [--http-port 8080] [--udp-port 8081] [--delay-shutdown 0]: a server that does what it is told.
 *
 * HTTP: /  /clientip  /dial?host&port&request&protocol&tries  /echo?msg&code  /exit?code&timeout  /header?key  /healthz  /hostname (or
 * /hostName)  /redirect?location&code  /shell?cmd (or shellCommand)  /version (the image's tag).
 * UDP: `echo TEXT`, `hostname`, `clientip`. */

import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { hostname } from "node:os";
import { dial } from "./dial.mts";
import { readFlags, readPort } from "./flags.mts";

const outputBytesMax = 1024 * 1024;
const shellMs = 60_000;

export async function main(args: readonly string[]): Promise<void> {
  const defaults = { "http-port": "8080", "udp-port": "8081", "sctp-port": "-1", "delay-shutdown": "0" };
  const { values } = readFlags(args, defaults);
  const udpPort = readPort(values["udp-port"]);
  const udp = udpPort === undefined ? undefined : serveUdp(udpPort);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://netexec");
    answer({ request, response, url, isServing: () => udp === undefined || udp.isServing }).catch((error: unknown) =>
      respond(response, String(error), 500),
    );
  });
  server.listen(readPort(values["http-port"]), "0.0.0.0");
  const delayMs = 1_000 * Number(values["delay-shutdown"]);
  if (delayMs > 0) {
    process.removeAllListeners("SIGTERM");
    process.once("SIGTERM", () => setTimeout(() => process.exit(0), delayMs));
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly isServing: () => boolean;
}

async function answer({ request, response, url, isServing }: Exchange): Promise<void> {
  const query = url.searchParams;
  switch (url.pathname) {
    case "/":
      return respond(response, `NOW: ${new Date().toISOString()}`);
    case "/clientip":
      return respond(response, `${request.socket.remoteAddress}:${request.socket.remotePort}`);
    case "/hostname":
    case "/hostName":
      return respond(response, hostname());
    case "/echo":
      return respond(response, query.get("msg") ?? "", statusOf(query.get("code"), 200));
    case "/header":
      return respond(response, String(request.headers[(query.get("key") ?? "").toLowerCase()] ?? ""));
    case "/healthz":
      return respond(response, "", isServing() ? 200 : 412);
    case "/redirect":
      response.setHeader("location", query.get("location") ?? "/");
      return respond(response, "", statusOf(query.get("code"), 302));
    case "/exit":
      respond(response, "");
      return void setTimeout(
        () => process.exit(Number(query.get("code") ?? 0)),
        1_000 * Number.parseFloat(query.get("timeout") ?? "0"),
      );
    case "/version":
      return respond(response, process.env.PODWIRE_IMAGE_TAG ?? "");
    case "/dial":
      return respond(response, JSON.stringify(await dial(query)));
    case "/shell":
      return respond(response, JSON.stringify(await shell(query.get("shellCommand") ?? query.get("cmd") ?? "")));
    default:
      return respond(response, "404 page not found\n", 404);
  }
}

function respond(response: ServerResponse, body: string, status = 200): void {
  response.statusCode = status;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(body);
}

function statusOf(text: string | null, otherwise: number): number {
  const status = Number(text ?? otherwise);
  return Number.isInteger(status) && status >= 200 && status <= 599 ? status : 400;
}

function shell(command: string): Promise<{ output: string; error?: string }> {
  return new Promise((resolve) => {
    const options = { timeout: shellMs, maxBuffer: outputBytesMax };
    execFile("/bin/sh", ["-c", command], options, (error, stdout, stderr) => {
      const failure =
        error === null ? {} : { error: typeof error.code === "number" ? `exit status ${error.code}` : error.message };
      resolve({ output: `${stdout}${stderr}`, ...failure });
    });
  });
}

function serveUdp(port: number): { readonly isServing: boolean } {
  const socket = createSocket("udp4");
  let isServing = false;
  socket.on("error", (error) => process.stderr.write(`udp: ${error.message}\n`));
  socket.on("listening", () => {
    isServing = true;
  });
  socket.on("message", (message, { address, port: from }) => {
    const text = message.toString().trimEnd();
    const answer = udpAnswer(text, `${address}:${from}`);
    if (answer !== undefined) socket.send(answer, from, address);
  });
  socket.bind(port, "0.0.0.0");
  return {
    get isServing() {
      return isServing;
    },
  };
}

function udpAnswer(text: string, client: string): string | undefined {
  if (text.toLowerCase() === "hostname") return hostname();
  if (text.toLowerCase() === "clientip") return client;
  return /^echo /i.test(text) ? text.slice("echo ".length) : undefined;
}
