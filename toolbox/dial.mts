/* netexec's /dial: asks another netexec, so that a test learns what one pod sees of another. */

import { createSocket } from "node:dgram";

export interface DialAnswer {
  readonly responses?: readonly string[];
  readonly errors?: readonly string[];
}

const triesMax = 1_000;
const httpMs = 5_000;
const udpMs = 5_000;

/** Tries as often as it is asked to, one after the other, and tells every outcome. */
export async function dial(query: URLSearchParams): Promise<DialAnswer> {
  const host = query.get("host") ?? "";
  const port = Number(query.get("port"));
  const request = query.get("request") || "hostName";
  const protocol = (query.get("protocol") || "http").toLowerCase();
  const tries = Number(query.get("tries") || 1);
  if (host === "") return { errors: ["no host to dial"] };
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return { errors: [`"${query.get("port")}" is no port`] };
  if (!Number.isInteger(tries) || tries < 1 || tries > triesMax) return { errors: [`tries must be between 1 and ${triesMax}`] };
  if (protocol !== "http" && protocol !== "udp") return { errors: [`unsupported protocol "${protocol}": use http or udp`] };

  const responses: string[] = [];
  const errors: string[] = [];
  for (let i = 0; i < tries; i++) {
    try {
      responses.push(protocol === "http" ? await dialHttp(host, port, request) : await dialUdp(host, port, request));
    } catch (error) {
      errors.push(reasonOf(error));
    }
  }
  return { ...(responses.length === 0 ? {} : { responses }), ...(errors.length === 0 ? {} : { errors }) };
}

async function dialHttp(host: string, port: number, request: string): Promise<string> {
  const authority = host.includes(":") ? `[${host}]` : host;
  // A new connection for each try: what is tested may choose another end for each.
  const response = await fetch(`http://${authority}:${port}/${request}`, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(httpMs),
  });
  return response.text();
}

function dialUdp(host: string, port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const timer = setTimeout(() => finish(() => reject(new Error("reading from udp connection failed: i/o timeout"))), udpMs);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      socket.close();
      settle();
    };
    socket.once("error", (error) => finish(() => reject(error)));
    socket.once("message", (message) => finish(() => resolve(message.toString())));
    socket.connect(port, host, (error?: Error) => {
      if (error === undefined || error === null) socket.send(request);
    });
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
