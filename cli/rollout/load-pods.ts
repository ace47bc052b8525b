/* Pods that send requests from every node, in a namespace of their own. */

import { aborted } from "#core/aborted.ts";
import { AppError } from "#core/errors.ts";
import type { ExecRequest } from "#proto/podwire/v1/cluster.ts";
import type { LoadLine } from "../../toolbox/load.mts";
import type { Connection } from "../connect.ts";
import { createNamespace, createObjects, placedProbers } from "../verify/probers.ts";

const container = "load";

export async function makeLoadPods(
  connection: Connection,
  namespace: string,
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const pods = nodes.map((nodeName) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: nodeName, namespace },
    spec: { nodeName, terminationGracePeriodSeconds: 0, containers: [{ name: container, image: "podwire/toolbox" }] },
  }));
  await createNamespace(connection, namespace, signal);
  await createObjects(connection, namespace, pods, signal);
  const wanted = nodes.map((node) => ({ name: node, node, onHost: false }));
  await placedProbers(connection, namespace, wanted, signal);
}

export interface LoadRun {
  readonly namespace: string;
  readonly node: string;
  readonly url: string;
  readonly rps: number;
  /** Aborts when it has sent enough. */
  readonly enough: AbortSignal;
}

/** What one of them says, line by line, to its sum. */
export async function* runLoad(
  connection: Connection,
  { namespace, node, url, rps, enough }: LoadRun,
  signal: AbortSignal,
): AsyncGenerator<LoadLine, void, undefined> {
  const over = new AbortController();
  const command = ["toolbox", "load", "--url", url, "--rps", String(rps)];
  let [text, errors] = ["", ""];
  try {
    const requests = requestsOf({ namespace, pod: node, container, command, stdin: true, tty: false }, enough, over.signal);
    for await (const { frame } of connection.client.exec(requests, { signal })) {
      if (frame?.$case === "stderr") errors += Buffer.from(frame.value).toString();
      if (frame?.$case === "error") throw new AppError("internal", `${node}: ${frame.value.message}`);
      if (frame?.$case === "exit" && frame.value.code !== 0) {
        throw new AppError("internal", `the requests from ${node} ended with exit code ${frame.value.code}: ${errors.trim()}`);
      }
      if (frame?.$case !== "stdout") continue;
      text += Buffer.from(frame.value).toString();
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as LoadLine;
    }
  } finally {
    over.abort();
  }
}

async function* requestsOf(
  start: Extract<NonNullable<ExecRequest["message"]>, { $case: "start" }>["value"],
  enough: AbortSignal,
  over: AbortSignal,
): AsyncGenerator<ExecRequest> {
  yield { message: { $case: "start", value: start } };
  await aborted(AbortSignal.any([enough, over]));
  yield { message: { $case: "input", value: { frame: { $case: "stdinEnd", value: {} } } } };
  // The requests' end would end the call.
  await aborted(over);
}
