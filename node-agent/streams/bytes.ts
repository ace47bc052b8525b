/* Streams of bytes as frames and back, with the reader's pace kept. */

import type { Writable } from "node:stream";

/** Of one frame's data. */
export const frameBytesMax = 32 * 1024;

export function* slices(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += frameBytesMax) yield bytes.subarray(at, at + frameBytesMax);
}

/** Resolves when there is room for more; at once where nobody will read it. */
export function drainedOrClosed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve();
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}
