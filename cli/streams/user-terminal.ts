/* The user's own terminal, handed to a program elsewhere: every key goes there as it is typed, Ctrl-C too. */

import type { Readable, Writable } from "node:stream";
import type { WindowSize } from "#proto/podwire/v1/streams.ts";

/** Its disposal gives the terminal back as it was. */
export interface UserTerminal extends Disposable {
  /** Undefined where the output goes elsewhere. */
  readonly size: WindowSize | undefined;
  onResize(listener: () => void): void;
}

interface TerminalInput {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

interface TerminalOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Undefined where standard input is no terminal. */
export function openUserTerminal(stdin: Readable & TerminalInput, stdout: Writable & TerminalOutput): UserTerminal | undefined {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return undefined;
  const listeners: (() => void)[] = [];
  let raw = true;
  stdin.setRawMode(raw);
  return {
    get size() {
      const { isTTY, columns = 0, rows = 0 } = stdout;
      return isTTY === true && columns > 0 && rows > 0 ? { columns, rows } : undefined;
    },
    onResize(listener) {
      listeners.push(listener);
      stdout.on("resize", listener);
    },
    [Symbol.dispose]() {
      if (!raw) return;
      raw = false;
      for (const listener of listeners) stdout.off("resize", listener);
      stdin.setRawMode?.(raw);
    },
  };
}
