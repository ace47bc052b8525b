/* The real CLI on a terminal of 40 rows by 120 columns, as a user sees it and types into it. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { openTerminal, type Terminal } from "#kernel/terminal.ts";
import { commandLine, type PodwireOptions } from "./podwire.ts";
import { until } from "./until.ts";

/** Its disposal hangs the terminal up. */
export interface TypedPodwire extends Disposable {
  readonly terminal: Terminal;
  readonly pid: number;
  shown(): string;
  /** Resolves when the terminal shows it. */
  shows(what: string | RegExp): Promise<void>;
  /** What `stty -g` says of the terminal. */
  modes(): Promise<string>;
  readonly code: Promise<number>;
}

export function typePodwire(args: readonly string[], { env, user }: Pick<PodwireOptions, "env" | "user">): TypedPodwire {
  const terminal = openTerminal(process.pid);
  terminal.resize({ columns: 120, rows: 40 });
  let shown = "";
  terminal.stream.setEncoding("utf8").on("data", (part: string) => {
    shown += part;
  });
  const options = { env: { ...env }, stdio: [...terminal.inside], detached: false };
  const child = spawn("setsid", ["--ctty", "--wait", "--", ...commandLine(args, user)], options);
  const code = once(child, "close").then(([exit]) => exit as number);
  return {
    terminal,
    get pid() {
      return child.pid ?? 0;
    },
    shown: () => shown,
    async shows(what) {
      await until(() => new RegExp(what).test(shown), `${what} on the terminal, which shows ${JSON.stringify(shown)}`);
    },
    async modes() {
      const stty = spawn("stty", ["-g"], { stdio: [terminal.inside[0], "pipe", "inherit"] });
      assert.ok(stty.stdout);
      return (await text(stty.stdout)).trim();
    },
    code,
    [Symbol.dispose]: () => terminal[Symbol.dispose](),
  };
}
