/* `-v`: a line on standard error for each call: its method, the object that it names, how it ended and how long it took. What it
 * carries is never shown: it may be a Secret. */

import { messageOf } from "#core/errors.ts";
import type { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { RpcClient } from "#rpc/client.ts";
import type { CliContext } from "./cli-context.ts";

type Client = RpcClient<typeof ClusterService>;

export function logCalls(client: Client, { stderr, clock }: Pick<CliContext, "stderr" | "clock">): Client {
  const begin = (method: string, request: unknown) => {
    const startMs = clock.monotonicMs();
    return (outcome: string) => {
      const tookMs = clock.monotonicMs() - startMs;
      stderr.write(`${method}${addressOf(request)}: ${outcome} in ${Math.round(tookMs)} ms\n`);
    };
  };
  const methods = Object.entries(client).map(([name, call]) => [
    name,
    (request: unknown, options: unknown) => {
      const end = begin(name.charAt(0).toUpperCase() + name.slice(1), request);
      const answer: unknown = Reflect.apply(call, client, [request, options]);
      return isStream(answer) ? logStream(answer, end) : logAnswer(answer as Promise<unknown>, end);
    },
  ]);
  return { ...Object.fromEntries(methods), [Symbol.dispose]: () => client[Symbol.dispose]() } as Client;
}

async function logAnswer(answer: Promise<unknown>, end: (outcome: string) => void): Promise<unknown> {
  try {
    const value = await answer;
    end("OK");
    return value;
  } catch (error) {
    end(messageOf(error));
    throw error;
  }
}

async function* logStream(messages: AsyncIterable<unknown>, end: (outcome: string) => void): AsyncGenerator<unknown> {
  let count = 0;
  let outcome = "left";
  try {
    for await (const message of messages) {
      count += 1;
      yield message;
    }
    outcome = "OK";
  } catch (error) {
    outcome = messageOf(error);
    throw error;
  } finally {
    end(`${outcome}, ${count} messages`);
  }
}

/** ` Pod default/web`: what a request names, as far as it names something. */
function addressOf(request: unknown): string {
  if (typeof request !== "object" || request === null || Symbol.asyncIterator in request) return "";
  const { kind, namespace, name, pod, manifests } = request as Readonly<Record<string, unknown>>;
  if (Array.isArray(manifests)) return ` ${manifests.length} manifests`;
  const place = [namespace, name ?? pod].filter((part) => typeof part === "string" && part !== "").join("/");
  return [kind, place].map((part) => (typeof part === "string" && part !== "" ? ` ${part}` : "")).join("");
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
