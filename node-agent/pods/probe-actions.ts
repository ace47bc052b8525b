/* The four ways to ask a container how it is, and what counts as a yes: as a kubelet does it. The network's ways start in the node's
 * own network namespace, where this process lives. */

import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import { messageOf } from "#core/errors.ts";
import type { ContainerPort, HTTPGetAction, Probe } from "#proto/podwire/v1/resources.ts";
import { checkHealth } from "#rpc/health-check.ts";
import type { Answer } from "./probe-loop.ts";

export interface ProbeTarget {
  /** The pod's address. */
  readonly host: string;
  readonly ports: readonly ContainerPort[];
  /** Runs a command in the container. Its output is cut off where it grows past what anybody reads. */
  readonly exec: (argv: readonly string[], signal: AbortSignal) => Promise<{ readonly code: number; readonly output: string }>;
}

export interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

type Action = Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc">;

/** Never rejects: what goes wrong is an answer. */
export async function askContainer(action: Action, target: ProbeTarget, limits: Limits): Promise<Answer> {
  const inTime = AbortSignal.any([limits.signal, AbortSignal.timeout(limits.timeoutMs)]);
  try {
    if (action.exec !== undefined) return await askByExec(action.exec.command, target, limits.timeoutMs, inTime);
    if (action.httpGet !== undefined) return await askByHttp(action.httpGet, target, inTime);
    if (action.tcpSocket !== undefined) {
      const { host, port } = action.tcpSocket;
      return await askByTcp(host || target.host, portOf(port, target.ports), inTime);
    }
    if (action.grpc !== undefined) return await askByGrpc(action.grpc, target, limits);
    return { ok: false, output: "the probe names no way to ask: give it exec, httpGet, tcpSocket or grpc" };
  } catch (error) {
    return { ok: false, output: messageOf(error) };
  }
}

async function askByExec(argv: readonly string[], target: ProbeTarget, timeoutMs: number, inTime: AbortSignal): Promise<Answer> {
  const { code, output } = await target.exec(argv, inTime);
  if (inTime.aborted) return { ok: false, output: `command "${argv.join(" ")}" timed out after ${timeoutMs / 1000}s` };
  return { ok: code === 0, output };
}

const redirectsMax = 10;

async function askByHttp(action: HTTPGetAction, target: ProbeTarget, inTime: AbortSignal): Promise<Answer> {
  let url = urlOf(action, target);
  for (let redirects = 0; ; redirects++) {
    const { status, location } = await getUrl(url, action, inTime);
    const next = location === undefined ? undefined : new URL(location, url);
    // Another host's answer would say nothing about this container.
    if (status < 300 || status >= 400 || next === undefined || next.hostname !== url.hostname) {
      const ok = status >= 200 && status < 400;
      return { ok, output: ok ? "" : `HTTP probe failed with statuscode: ${status}` };
    }
    if (redirects === redirectsMax) return { ok: false, output: `Get "${url}": stopped after ${redirectsMax} redirects` };
    url = next;
  }
}

export function urlOf({ scheme, host, port, path }: HTTPGetAction, target: ProbeTarget): URL {
  const origin = `${(scheme || "HTTP").toLowerCase()}://${host || target.host}:${portOf(port, target.ports)}`;
  return new URL(path || "/", `${origin}/`);
}

export interface HttpAnswer {
  readonly status: number;
  readonly location: string | undefined;
}

/** One request, on a connection of its own; a certificate is not checked. */
export function getUrl(url: URL, { httpHeaders }: HTTPGetAction, signal: AbortSignal): Promise<HttpAnswer> {
  const headers: Record<string, string[]> = { "user-agent": ["kube-probe/podwire"], accept: ["*/*"] };
  const own = new Set<string>();
  for (const { name = "", value = "" } of httpHeaders) {
    const key = name.toLowerCase();
    headers[key] = own.has(key) ? [...(headers[key] ?? []), value] : [value];
    own.add(key);
  }
  const flat = Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : values]),
  );
  return new Promise((resolve, reject) => {
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    const failed = (error: Error) => {
      const why = signal.aborted
        ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        : dialError(error);
      reject(new Error(`Get "${url}": ${why}`));
    };
    const asked = request(url, { headers: flat, agent: false, rejectUnauthorized: false, signal }, (answer) => {
      // Whatever happens to the rest of it, the head is the answer.
      answer.on("error", () => {});
      answer.destroy();
      resolve({ status: answer.statusCode ?? 0, location: answer.headers.location });
    });
    asked.on("error", failed);
    asked.end();
  });
}

function askByTcp(host: string, port: number, inTime: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (answer: Answer) => {
      inTime.removeEventListener("abort", late);
      socket.destroy();
      resolve(answer);
    };
    const late = () => finish({ ok: false, output: `dial tcp ${host}:${port}: i/o timeout` });
    inTime.addEventListener("abort", late, { once: true });
    socket.on("connect", () => finish({ ok: true, output: "" }));
    socket.on("error", (error) => finish({ ok: false, output: dialError(error) }));
  });
}

async function askByGrpc(
  { port = 0, service = "" }: NonNullable<Probe["grpc"]>,
  target: ProbeTarget,
  limits: Limits,
): Promise<Answer> {
  const status = await checkHealth({ address: `${target.host}:${port}`, service, ...limits });
  return { ok: status === "SERVING", output: status === "SERVING" ? "" : `service unhealthy (responded with "${status}")` };
}

/** A number, or the name of one of the container's ports. */
function portOf(port: unknown, ports: readonly ContainerPort[]): number {
  const named = ports.find(({ name }) => name !== undefined && name === port)?.containerPort;
  const number = named ?? Number(port);
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
  throw new Error(
    `couldn't find port: ${JSON.stringify(port ?? "")} is neither a port number nor the name of one of the container's ports`,
  );
}

const errnoTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
};

function dialError(error: Error): string {
  const { code, address, port } = error as NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };
  const text = code === undefined ? undefined : errnoTexts[code];
  if (text === undefined || address === undefined) return text ?? error.message;
  return `dial tcp ${address}:${port}: connect: ${text}`;
}
