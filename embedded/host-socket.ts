/* The Unix socket of a cluster's hosts: a request a line, an answer a line, in their order. Who can open it rules the machine that the
 * hosts share, so it is for its owner alone. */

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { aborted } from "#core/aborted.ts";
import { AppError, messageOf, unreachable } from "#core/errors.ts";
import type { Logger } from "#process/log.ts";
import type { HostFleet } from "./host-fleet.ts";
import {
  failedAnswer,
  type HostAnswer,
  type HostInfo,
  type HostRequest,
  lineBytesMax,
  parseHostAnswer,
  parseHostRequest,
} from "./host-requests.ts";

export interface HostServer {
  readonly path: string;
  readonly fleet: HostFleet;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const connectionsMax = 32;

/** Serves until the signal aborts. */
export async function serveHosts({ path, fleet, log, signal }: HostServer): Promise<void> {
  const open = new Set<Socket>();
  // Half-open: who sends one request and no more still wants the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    answerAll(socket, fleet).catch((error) => log.debug({ err: error }, "a client of the hosts' socket went away"));
  });
  server.maxConnections = connectionsMax;
  server.on("drop", () => log.warn({ connectionsMax }, "refused a connection: too many clients of the hosts' socket"));
  // The mode must hold from the first moment on.
  const before = process.umask(0o177);
  server.listen(path);
  process.umask(before);
  await once(server, "listening", { signal });
  await aborted(signal);
  server.close();
  for (const socket of open) socket.destroy();
}

async function answerAll(socket: Socket, fleet: HostFleet): Promise<void> {
  for await (const line of linesOf(socket)) {
    const answer = await answerTo(line, fleet).catch(failedAnswer);
    if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
  }
  socket.end();
}

async function answerTo(line: string, fleet: HostFleet): Promise<HostAnswer> {
  const request = parseHostRequest(line);
  switch (request.op) {
    case "list":
      return { hosts: fleet.list() };
    case "add":
      return {
        hosts: await fleet.add({ labels: Array.from({ length: request.count }, () => request.labels), taken: request.taken }),
      };
    case "start":
      return { hosts: [await fleet.start(request.name)] };
    case "stop":
      return { hosts: [await fleet.stop(request.name, request.timeoutMs)] };
    case "kill":
      return { hosts: [await fleet.kill(request.name)] };
    case "remove":
      return { hosts: [await fleet.remove(request.name)] };
    default:
      return unreachable(request);
  }
}

/** Sends one request; throws the error that was answered. "unavailable" where nobody listens. */
export async function askHosts(path: string, request: HostRequest, signal: AbortSignal): Promise<readonly HostInfo[]> {
  signal.throwIfAborted();
  const socket = connect({ path, signal });
  try {
    socket.end(`${JSON.stringify(request)}\n`);
    for await (const line of linesOf(socket)) return parseHostAnswer(line);
    throw new AppError("unavailable", "the cluster ended before it answered");
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AppError) throw error;
    throw new AppError("unavailable", `the cluster's hosts can't be asked: ${messageOf(error)}`, { cause: error });
  } finally {
    socket.destroy();
  }
}

/** Throws "exhausted" at a line that is too long. */
async function* linesOf(socket: Socket): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const part of socket.setEncoding("utf8")) {
    rest += part;
    for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n")) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
    if (rest.length > lineBytesMax) throw new AppError("exhausted", `a line may have at most ${lineBytesMax} bytes`);
  }
}
