/* Which control plane to talk to, and the connection to it. A short knock first: a dead socket then gets an answer in words,
 * where gRPC would only say "unavailable". */

import { readFileSync } from "node:fs";
import { connect as openSocket } from "node:net";
import { AppError, messageOf } from "#core/errors.ts";
import { clusterPaths, listClusters } from "#process/cluster-paths.ts";
import type { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { CallOptions, RpcClient } from "#rpc/client.ts";
import { logCalls } from "./call-log.ts";
import type { CliContext } from "./cli-context.ts";
import { deadline } from "./deadline.ts";
import type { GlobalFlags } from "./global-flags.ts";
import { UsageError } from "./usage-error.ts";

export interface Connection extends Disposable {
  readonly client: RpcClient<typeof ClusterService>;
  readonly address: string;
  /** The cluster's name where it is one of this machine's. */
  readonly cluster: string | undefined;
  /** For a call that is answered at once: ends with `signal` or after --request-timeout. */
  prompt(signal: AbortSignal): CallOptions;
}

export interface ConnectRequest {
  readonly globals: GlobalFlags;
  readonly context: CliContext;
  readonly signal: AbortSignal;
}

/** Finds the cluster and makes sure that somebody listens; a UsageError says what to do where not. */
export async function connect({ globals, context, signal }: ConnectRequest): Promise<Connection> {
  const place = await locate(globals, context, signal);
  const metadata = tokenMetadata(globals.tokenFile);
  // Half of the time to start is gRPC's: only a run that has somebody to talk to pays it.
  const [{ createRpcClient }, { ClusterService }] = await Promise.all([
    import("#rpc/client.ts"),
    import("#proto/podwire/v1/cluster.ts"),
  ]);
  const quiet = createRpcClient(ClusterService, { address: place.address, metadata });
  const client = globals.verbosity > 0 ? logCalls(quiet, context) : quiet;
  const { requestTimeoutMs } = globals;
  return {
    client,
    ...place,
    prompt: (ends) =>
      requestTimeoutMs === 0
        ? { signal: ends }
        : {
            signal: AbortSignal.any([ends, deadline(requestTimeoutMs, noAnswer(requestTimeoutMs, place.address))]),
            timeoutMs: requestTimeoutMs + 1_000,
          },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

interface Place {
  readonly address: string;
  /** The cluster's name where it is one of this machine's. */
  readonly cluster: string | undefined;
}

async function locate(globals: GlobalFlags, context: CliContext, signal: AbortSignal): Promise<Place> {
  const { env } = context;
  if (globals.server !== undefined && globals.cluster !== undefined) {
    throw new UsageError("--server and --cluster both say where to connect: name one of them");
  }
  if (globals.server !== undefined) return knock({ address: checkAddress(globals.server), cluster: undefined }, signal);
  if (globals.cluster !== undefined) return knock(placeOf(globals.cluster, env), signal).catch(sweeping(context));
  const places = listClusters(env).map((name) => placeOf(name, env));
  const only = places[0];
  if (only === undefined)
    throw new UsageError("no cluster is running on this machine. Start one with `podwire up`, or name one with --server ADDRESS");
  if (places.length === 1) return knock(only, signal).catch(sweeping(context));
  const answers = await Promise.all(places.map((place) => tryPlace(place, signal)));
  const alive = places.filter((_, i) => answers[i] === undefined);
  if (alive.length === 1 && alive[0] !== undefined) return alive[0];
  const names = (alive.length === 0 ? places : alive).map((place) => place.cluster).join(", ");
  throw new UsageError(
    alive.length === 0
      ? `none of this machine's clusters answers (${names}). Start one with \`podwire up\``
      : `several clusters are running on this machine: ${names}. Name one with --cluster NAME or PODWIRE_CLUSTER`,
  );
}

/** Whoever finds a cluster dead removes what it left. */
function sweeping({ env, clock }: CliContext): (error: unknown) => Promise<never> {
  return async (error) => {
    const { sweepDead } = await import("../embedded/cluster-folder.ts");
    sweepDead(env, clock.wallMs());
    throw error;
  };
}

function placeOf(cluster: string, env: CliContext["env"]): Place {
  return { address: `unix:${clusterPaths(cluster, env).socket}`, cluster };
}

async function knock(place: Place, signal: AbortSignal): Promise<Place> {
  const problem = await tryPlace(place, signal);
  if (problem !== undefined) throw new UsageError(whyNot(place, problem));
  return place;
}

const knockTimeoutMs = 5_000;

/** Undefined where somebody listens, else the system's error code. */
function tryPlace({ address }: Place, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = openSocket({ ...endpointOf(address), signal, timeout: knockTimeoutMs });
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("timeout", () => {
      socket.destroy();
      resolve("ETIMEDOUT");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (signal.aborted) reject(signal.reason);
      else resolve(error.code ?? error.message);
    });
  });
}

function endpointOf(address: string): { readonly path: string } | { readonly host: string; readonly port: number } {
  if (address.startsWith("unix:")) return { path: address.slice("unix:".length) };
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}

function checkAddress(text: string): string {
  const path = /^unix:(?:\/\/)?(.+)$/.exec(text)?.[1];
  if (path !== undefined) return `unix:${path}`;
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):([0-9]{1,5})$/.exec(text)?.[1]);
  if (port >= 1 && port <= 65_535) return text;
  throw new UsageError(`--server ${JSON.stringify(text)} is no address (want HOST:PORT, such as 127.0.0.1:7443, or unix:PATH)`);
}

function whyNot({ address, cluster }: Place, code: string): string {
  const start =
    cluster === undefined
      ? "check the address, or start a cluster with `podwire up`"
      : `start it with \`podwire up --name ${cluster}\``;
  const who = cluster === undefined ? `the control plane at ${address}` : `cluster ${JSON.stringify(cluster)}`;
  switch (code) {
    case "ENOENT":
      return `${who} isn't running: there is no socket ${address.slice("unix:".length)}; ${start}`;
    case "ECONNREFUSED":
      return `${who} isn't running: nobody listens at ${address}; ${start}`;
    case "EACCES":
    case "EPERM":
      return `you may not open ${address}: it belongs to another user`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${who} can't be reached: its host name isn't known`;
    case "ETIMEDOUT":
      return `${who} can't be reached: no answer within ${knockTimeoutMs / 1_000} s`;
    default:
      return `${who} can't be reached (${code})`;
  }
}

function tokenMetadata(file: string | undefined): Readonly<Record<string, string>> {
  if (file === undefined) return {};
  try {
    const token = readFileSync(file, "utf8").trim();
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Error("it must hold one line of printable characters");
    return { authorization: `Bearer ${token}` };
  } catch (error) {
    throw new UsageError(`cannot read the token file ${file}: ${messageOf(error)}`);
  }
}

function noAnswer(ms: number, address: string): AppError {
  return new AppError("timeout", `${address} did not answer within ${ms} ms (--request-timeout)`);
}
