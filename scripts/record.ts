/* Records docs/demo.svg: runs the commands of recording/session.ts on a cluster of their own, and draws what they print, when they
 * printed it. A command that fails ends the recording, and the drawing stays as it was. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { type Command, commands, play, type RanCommand } from "./recording/session.ts";
import { renderSvg } from "./recording/svg.ts";

const project = join(import.meta.dirname, "..");

async function main(): Promise<void> {
  const runtime = mkdtempSync(join(tmpdir(), "podwire-record-"));
  const env = { ...process.env, XDG_RUNTIME_DIR: runtime, TERM: "xterm-256color" };
  try {
    const session: RanCommand[] = [];
    for (const command of commands) {
      process.stdout.write(`$ ${command.line}\n`);
      session.push(await runCommand(command, env));
    }
    const played = play(session);
    writeFileSync(join(project, "docs", "demo.svg"), renderSvg(played));
    process.stdout.write(`docs/demo.svg: ${(played.endMs / 1000).toFixed(1)} s\n`);
  } finally {
    await runCommand({ about: "", line: "./podwire down --all" }, env);
    rmSync(runtime, { recursive: true, force: true });
  }
}

/** In a shell at a terminal, which `script` provides: commands colour what people read. */
function runCommand(command: Command, env: NodeJS.ProcessEnv): Promise<RanCommand> {
  return new Promise((resolve, reject) => {
    const output: { afterMs: number; text: string }[] = [];
    const startedMs = performance.now();
    const child = spawn("script", ["--quiet", "--return", "--flush", "--command", command.line, "/dev/null"], {
      ...{ cwd: project, env, stdio: ["ignore", "pipe", "inherit"] },
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output.push({ afterMs: performance.now() - startedMs, text });
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve({ ...command, output });
      else reject(new Error(`${command.line}: exit code ${code}\n${output.map(({ text }) => text).join("")}`));
    });
  });
}

await main();
