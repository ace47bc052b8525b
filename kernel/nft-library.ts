/* nftables by its library, which the program `nft` only wraps and is installed with: a change then costs no start of a program, which for a
 * process as large as an agent is dearer than the change. It works on a thread of Node's own pool, so frames go on meanwhile; those threads are in the
 * network namespace that the process began in. The library's contexts share hidden state, so there is one call at a time. */

import koffi from "koffi";
import type { Ruleset } from "./ruleset.ts";
import { RunError } from "./run.ts";

type Context = unknown;

interface Library {
  open(flags: number): Context;
  close(context: Context): void;
  bufferOutput(context: Context): number;
  bufferError(context: Context): number;
  setOutputFlags(context: Context, flags: number): void;
  outputOf(context: Context): string;
  errorsOf(context: Context): string;
  /** 0 where all went well. */
  run: { async(context: Context, commands: string, done: (error: Error | null, status: number) => void): void };
}

/** Of <nftables/libnftables.h>. */
const outputFlags = { json: 1 << 4, terse: 1 << 11 } as const;

/** Undefined where there is none that can be loaded. */
export function openNftLibrary(): Ruleset | undefined {
  const library = load();
  if (library === undefined) return undefined;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (commands: string, flags: number, signal: AbortSignal): Promise<string> => {
    const answer = last.then(() => call(library, commands, flags, signal));
    last = answer.catch(() => {});
    return answer;
  };
  return {
    async apply(lines, signal) {
      await inTurn(`${lines.join("\n")}\n`, 0, signal);
    },
    list(what, signal, { terse = false } = {}) {
      return inTurn(`list ${what.join(" ")}\n`, outputFlags.json | (terse ? outputFlags.terse : 0), signal);
    },
  };
}

function load(): Library | undefined {
  try {
    const library = koffi.load("libnftables.so.1");
    return {
      open: library.func("void *nft_ctx_new(uint32_t flags)"),
      close: library.func("void nft_ctx_free(void *context)"),
      bufferOutput: library.func("int nft_ctx_buffer_output(void *context)"),
      bufferError: library.func("int nft_ctx_buffer_error(void *context)"),
      setOutputFlags: library.func("void nft_ctx_output_set_flags(void *context, unsigned int flags)"),
      outputOf: library.func("const char *nft_ctx_get_output_buffer(void *context)"),
      errorsOf: library.func("const char *nft_ctx_get_error_buffer(void *context)"),
      run: library.func("int nft_run_cmd_from_buffer(void *context, const char *commands)") as unknown as Library["run"],
    };
  } catch {
    return undefined;
  }
}

/** What has begun can't be stopped: it is a matter of milliseconds. */
async function call(library: Library, commands: string, flags: number, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const context = library.open(0);
  try {
    library.bufferOutput(context);
    library.bufferError(context);
    library.setOutputFlags(context, flags);
    const status = await new Promise<number>((resolve, reject) => {
      library.run.async(context, commands, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
    if (status !== 0) throw new RunError(["nft"], status, library.errorsOf(context));
    return library.outputOf(context);
  } finally {
    library.close(context);
  }
}
