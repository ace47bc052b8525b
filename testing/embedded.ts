/* The cluster on this machine, held by `podwire up`, which ends with the process that started it: even one that is killed. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launcher } from "./home.ts";
import type { Place, PlaceOptions } from "./place.ts";

const name = "test";

/** Rejects with what `podwire up` said where it can't. */
export async function startEmbedded({ nodes }: PlaceOptions): Promise<Place> {
  // Apart from the user's own clusters, which may have the same name.
  const folder = mkdtempSync(join(tmpdir(), "podwire-test-"));
  const up = [launcher, "up", "--name", name, "--nodes", String(nodes)];
  const child = spawn("setpriv", ["--pdeathsig=TERM", "--", ...up], {
    env: { ...process.env, XDG_RUNTIME_DIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      said += error.message;
      resolve();
    });
    child.once("exit", () => resolve());
  });
  const ready = new Promise<boolean>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (text.includes("is up")) resolve(true);
    });
    void ended.then(() => resolve(false));
  });
  const end = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  if (!(await ready)) {
    await end();
    throw new Error(said.trim().split("\n").at(-1));
  }
  return { runsAs: "embedded", flags: ["--server", `unix:${join(folder, "podwire", name, "api.sock")}`], end };
}
