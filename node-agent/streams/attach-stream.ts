/* Serves the streams of a container's own program. What it prints goes to its log, so the log's end is followed until the run is over;
 * what is typed goes to its input. */

import { statSync } from "node:fs";
import type { Writable } from "node:stream";
import { AppError } from "#core/errors.ts";
import { openInput } from "#kernel/container-input.ts";
import type { AttachStart } from "#proto/podwire/v1/streams.ts";
import { drainedOrClosed } from "./bytes.ts";
import { type LogOptions, serveLogs } from "./log-stream.ts";
import type { ServedStream } from "./served-stream.ts";

export interface AttachOptions extends Omit<LogOptions, "start" | "from"> {
  readonly start: AttachStart;
}

export function serveAttach({ start, ...context }: AttachOptions): ServedStream {
  const { namespace, pod, container } = start;
  const input = start.stdin ? openInputOf(context, start) : undefined;
  const follow = { namespace, pod, container, follow: true, tailLines: 0, previous: false, timestamps: false };
  // Known before the first word of input, whose answer may be there before the log is read.
  const logs = serveLogs({ ...context, start: follow, from: logSize(context, start) });
  return {
    output: logs.output,
    async accept({ frame }) {
      if (input === undefined || input.writableEnded) return;
      if (frame?.$case === "stdin" && !input.write(frame.value)) await drainedOrClosed(input);
      // Whether the container's own input ends with it, its spec says.
      if (frame?.$case === "stdinEnd") input.end();
    },
    close() {
      input?.destroy();
      logs.close();
    },
  };
}

function logSize({ pods }: Pick<AttachOptions, "pods">, { namespace, pod, container }: AttachStart): number {
  const path = pods.find(namespace, pod, container).logPath(0);
  return path === undefined ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
}

function openInputOf(
  { pods, containers }: Pick<AttachOptions, "pods" | "containers">,
  { namespace, pod, container }: AttachStart,
): Writable | undefined {
  const { stateDir } = pods.find(namespace, pod, container);
  const state = containers.read(stateDir);
  if (state.state !== "running") throw new AppError("failed-precondition", "the container is not running");
  const input = openInput(stateDir, state.init);
  // A container that ended breaks the pipe; its end is told by the output.
  input?.on("error", () => {});
  return input;
}
