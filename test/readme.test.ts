/* README.md's blocks that are marked `sh run` work as they stand there, in their order, in one shell. */

import { equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireSandbox } from "./support/sandbox.ts";

const project = join(import.meta.dirname, "..");

function runnableBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh run\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
}

describe("README.md", () => {
  before(requireSandbox);

  it("has commands that work as they are written", function () {
    this.timeout(150_000);
    const blocks = runnableBlocks(readFileSync(join(project, "README.md"), "utf8"));
    ok(blocks.length >= 5, `${blocks.length} blocks to run`);
    const runtime = mkdtempSync(join(tmpdir(), "podwire-readme-"));
    try {
      const { status, stdout, stderr } = spawnSync("sh", ["-eu"], {
        cwd: project,
        input: blocks.join("\n"),
        env: { ...process.env, XDG_RUNTIME_DIR: runtime },
        encoding: "utf8",
        timeout: 120_000,
      });
      equal(status, 0, `${stdout}\n${stderr}`);
      ok(/Hello from server at 10\.244\.\d+\.\d+\. I see you as 10\.244\.\d+\.\d+\./.test(stdout), stdout);
      ok(stdout.includes("The network model holds"), stdout);
    } finally {
      spawnSync(join(project, "podwire"), ["down"], { env: { ...process.env, XDG_RUNTIME_DIR: runtime } });
      rmSync(runtime, { recursive: true, force: true });
    }
  });
});
