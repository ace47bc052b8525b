/* What we send to a program in a pod: what is typed, that it ended, and how large the window is. */

import type { Readable } from "node:stream";
import type { StreamInput } from "#proto/podwire/v1/streams.ts";
import type { UserTerminal } from "./user-terminal.ts";

const frameBytesMax = 32 * 1024;

export interface InputOptions {
  /** Undefined where the program gets no input of ours. */
  readonly stdin: Readable | undefined;
  readonly terminal?: UserTerminal | undefined;
  /** Aborts when the program has ended. */
  readonly over: AbortSignal;
}

/** Goes on until the program has ended: only the frame `stdinEnd` ends its input. Reads no faster than frames are taken. */
export async function* inputFrames({ stdin, terminal, over }: InputOptions): AsyncGenerator<StreamInput, void, undefined> {
  let wake = () => {};
  over.addEventListener("abort", () => wake(), { once: true });
  let resized = terminal !== undefined;
  terminal?.onResize(() => {
    resized = true;
    wake();
  });
  // A socket's other direction goes on after its input has ended.
  const chunks: AsyncIterator<Buffer | string> | undefined = stdin?.iterator({ destroyOnReturn: false });
  let reading = false;
  let read: IteratorResult<Buffer | string> | undefined;
  let ended = chunks === undefined;
  const took = (result: IteratorResult<Buffer | string>) => {
    reading = false;
    read = result;
    wake();
  };
  while (!over.aborted) {
    if (resized) {
      resized = false;
      const size = terminal?.size;
      if (size !== undefined) yield { frame: { $case: "resize", value: size } };
      continue;
    }
    if (read !== undefined) {
      const { done, value } = read;
      read = undefined;
      if (done === true) {
        ended = true;
        yield { frame: { $case: "stdinEnd", value: {} } };
      } else {
        for (const part of slices(Buffer.from(value))) yield { frame: { $case: "stdin", value: part } };
      }
      continue;
    }
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (!ended && !reading) {
      reading = true;
      // A standard input that fails has ended.
      chunks?.next().then(took, () => took({ done: true, value: undefined }));
    }
    await woken;
  }
}

export function* slices(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += frameBytesMax) yield bytes.subarray(at, at + frameBytesMax);
}
