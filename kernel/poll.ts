/* Descriptors that Node has no stream for, watched by Node's own event loop: no thread, no helper process.
 *
 * koffi calls back from inside libuv, where an exception would vanish without a word and where Node promises nothing about
 * when ticks and promise jobs run. So the callback only asks for an immediate: the check phase follows the poll phase of the
 * same turn, and what runs there is ordinary JavaScript, whose errors are seen and whose ticks are run at once. The poll is
 * level-triggered: what is left unread brings the next turn. */

import koffi from "koffi";
import { describeErrno } from "./ffi.ts";

export interface ReadableWatch {
  /** At most once a turn of the event loop, for as long as the descriptor has something to read. */
  onReadable(): void;
  /** Once: what was behind the descriptor is gone, and nothing more will come. */
  onLost(reason: string): void;
}

export function watchReadable(descriptor: number, { onReadable, onLost }: ReadableWatch): Disposable {
  let due = false;
  let stopped = false;
  let failure = 0;
  const run = () => {
    due = false;
    if (stopped) return;
    if (failure < 0) onLost(describeErrno(-failure));
    else onReadable();
  };
  // koffi's types leave out the status that comes before the events; libuv stops by itself where it is negative.
  const handle = koffi.node.poll(descriptor, { readable: true }, (...args: unknown[]) => {
    if (typeof args[0] === "number" && args[0] < 0) failure = args[0];
    if (due) return;
    due = true;
    setImmediate(run);
  });
  return {
    [Symbol.dispose]() {
      if (stopped) return;
      stopped = true;
      handle.close();
    },
  };
}
