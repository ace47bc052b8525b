/* Serves a container's own output from now on, until the container's run ends: it goes to the log, so the log's end is followed. */

import { AppError } from "#core/errors.ts";
import type { AttachStart } from "#proto/podwire/v1/streams.ts";
import { type LogOptions, serveLogs } from "./log-stream.ts";
import type { ServedStream } from "./served-stream.ts";

export interface AttachOptions extends Omit<LogOptions, "start"> {
  readonly start: AttachStart;
}

export function serveAttach({ start, ...context }: AttachOptions): ServedStream {
  if (start.stdin) throw new AppError("unimplemented", "the containers of this version have no standard input: leave out -i");
  const { namespace, pod, container } = start;
  return serveLogs({
    ...context,
    start: { namespace, pod, container, follow: true, tailLines: 0, previous: false, timestamps: false },
  });
}
