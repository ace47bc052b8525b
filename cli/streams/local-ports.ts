/* The sockets of a port-forward on the user's machine. */

import { createServer, type Server, type Socket } from "node:net";
import { messageOf } from "#core/errors.ts";
import { UsageError } from "../usage-error.ts";
import type { PortPair } from "./port-pairs.ts";

/** Accepted and not yet closed; more are closed at once. */
const acceptedMax = 1_000;

export interface LocalPort extends Disposable {
  readonly remote: number;
  /** As it was given or chosen. */
  readonly port: number;
  /** "127.0.0.1", "[::1]". */
  readonly address: string;
}

/** "localhost" is both loopback addresses. */
export function hostsOf(address: string): string[] {
  return address.split(",").flatMap((host) => {
    if (host === "localhost") return ["127.0.0.1", "::1"];
    if (/^[0-9]+(\.[0-9]+){3}$/.test(host) || host.includes(":")) return [host];
    throw new UsageError(`${host} is not a valid IP: --address takes IP addresses and localhost`);
  });
}

export interface Listening {
  readonly ports: readonly LocalPort[];
  /** Of a port on which nobody listens. */
  readonly failures: readonly string[];
}

/** On every host that has it; a port that is free on one of them is enough. */
export async function listenOn(
  pair: PortPair,
  hosts: readonly string[],
  onConnection: (socket: Socket, port: LocalPort) => void,
): Promise<Listening> {
  const ports: LocalPort[] = [];
  const errors: string[] = [];
  let { local } = pair;
  for (const host of hosts) {
    try {
      const port = await listen({ local, remote: pair.remote }, host, onConnection);
      local = port.port;
      ports.push(port);
    } catch (error) {
      errors.push(messageOf(error));
    }
  }
  if (ports.length > 0) return { ports, failures: [] };
  const reasons = errors.map((reason) => `unable to create listener: ${reason}`).join(" ");
  return {
    ports,
    failures: [`Unable to listen on port ${pair.local}: Listeners failed to create with the following errors: [${reasons}]`],
  };
}

function listen(pair: PortPair, host: string, onConnection: (socket: Socket, port: LocalPort) => void): Promise<LocalPort> {
  return new Promise((resolve, reject) => {
    // Read when its turn comes.
    const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    server.maxConnections = acceptedMax;
    server.once("error", reject);
    server.listen({ host, port: pair.local }, () => {
      const bound = server.address();
      const port: LocalPort = {
        remote: pair.remote,
        port: bound === null || typeof bound === "string" ? pair.local : bound.port,
        address: host.includes(":") ? `[${host}]` : host,
        [Symbol.dispose]: () => void server.close(),
      };
      server.on("connection", (socket) => onConnection(socket, port));
      resolve(port);
    });
  });
}
