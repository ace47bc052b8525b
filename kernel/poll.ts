/* Descriptors that Node has no stream for, watched by Node's own event loop: no thread, no helper process.
 *
 * koffi calls back from inside libuv, where an exception would vanish without a word and where Node promises nothing about
 * when ticks and promise jobs run. So the callback only asks for an immediate: the check phase follows the poll phase of the
 * same turn, and what runs there is ordinary JavaScript, whose errors are seen and whose ticks are run at once. The poll is
 * level-triggered: what is left unread brings the next turn. */

import koffi from "koffi";

/** Calls `onReadable`, at most once a turn of the event loop, for as long as `descriptor` has something to read. */
export function watchReadable(descriptor: number, onReadable: () => void): Disposable {
  let due = false;
  let stopped = false;
  const run = () => {
    due = false;
    if (!stopped) onReadable();
  };
  const handle = koffi.node.poll(descriptor, { readable: true }, () => {
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
