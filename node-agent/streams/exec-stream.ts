/* Serves an exec: frames in are standard input, frames out are what the command prints, and then its exit code. */

import type { Readable } from "node:stream";
import type { Clock } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import type { Containers, Exec } from "#kernel/containers.ts";
import type { ExecStart, StreamOutput } from "#proto/podwire/v1/streams.ts";
import type { PodManager } from "../pods/pod-manager.ts";
import { drainedOrClosed, slices } from "./bytes.ts";
import type { ServedStream } from "./served-stream.ts";

/** Ctrl-D: a terminal's input has no other end, and what it shows comes by the same descriptor. */
const endOfInput = "\x04";

/** A terminal that another program holds does not end with its own: it is over when that has ended and nothing came for so long. */
const lingerMs = 50;

export interface ExecOptions {
  readonly start: ExecStart;
  readonly pods: PodManager;
  readonly containers: Containers;
  readonly clock: Clock;
}

/** Its `close` kills the command where that still runs. */
export function serveExec({ start, pods, containers, clock }: ExecOptions): ServedStream {
  if (start.command.length === 0) throw new AppError("invalid", "exec needs a command");
  const { stateDir } = pods.find(start.namespace, start.pod, start.container);
  const exec = containers.exec(stateDir, { argv: start.command }, start.tty ? "terminal" : "pipes");
  // A command that ends without reading its input breaks the pipe, which is no error of anybody's.
  exec.stdin.on("error", () => {});
  const endInput = () => {
    if (start.tty) exec.stdin.write(endOfInput);
    else exec.stdin.end();
  };
  if (!start.stdin && !start.tty) endInput();
  return {
    output: outputOf(exec, start.tty ? clock : undefined),
    async accept({ frame }) {
      if (frame?.$case === "stdin" && !exec.stdin.write(frame.value)) await drainedOrClosed(exec.stdin);
      if (frame?.$case === "stdinEnd") endInput();
      if (frame?.$case === "resize") exec.resize(frame.value);
    },
    close: () => exec.kill(),
  };
}

/** `clock` where it is on a terminal. */
async function* outputOf(exec: Exec, clock: Clock | undefined): AsyncGenerator<StreamOutput, void, undefined> {
  try {
    yield* merged(exec, clock);
    yield { frame: { $case: "exit", value: { code: await exec.exitCode } } };
  } finally {
    exec.kill();
  }
}

/** Reads a pipe only when a frame is asked for, so that a slow reader slows the command down. */
async function* merged(
  { stdout, stderr, exitCode }: Exec,
  clock: Clock | undefined,
): AsyncGenerator<StreamOutput, void, undefined> {
  let wake = () => {};
  let exited = false;
  const onExit = () => {
    exited = true;
    wake();
  };
  exitCode.then(onExit, onExit);
  const open = new Map<Readable, "stdout" | "stderr">([
    [stdout, "stdout"],
    [stderr, "stderr"],
  ]);
  for (const stream of [stdout, stderr]) {
    stream.on("readable", () => wake());
    stream.on("error", () => wake());
    for (const event of ["end", "close"]) {
      stream.on(event, () => {
        open.delete(stream);
        wake();
      });
    }
  }
  for (;;) {
    const changed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    let idle = true;
    for (const [stream, $case] of [...open]) {
      const chunk = stream.read() as Buffer | null;
      if (chunk === null) continue;
      idle = false;
      for (const value of slices(chunk)) yield { frame: { $case, value } };
    }
    if (open.size === 0) return;
    if (!idle) continue;
    if (!exited || clock === undefined) await changed;
    else if (!(await happensWithin(changed, lingerMs, clock))) return;
  }
}

async function happensWithin(event: Promise<void>, ms: number, clock: Clock): Promise<boolean> {
  const waiting = new AbortController();
  const late = clock.sleep(ms, waiting.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    waiting.abort();
  }
}
