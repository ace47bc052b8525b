/* The cluster in Docker's containers, as docker-compose.yml has it, in a Compose project of its own. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "./command.ts";
import { home } from "./home.ts";
import type { Place, PlaceOptions } from "./place.ts";

/** Rejects with what Docker said where it can't. */
export async function startContainers({ nodes }: PlaceOptions): Promise<Place> {
  const project = `podwire-${randomBytes(4).toString("hex")}`;
  const folder = mkdtempSync(join(tmpdir(), "podwire-test-"));
  const tokenFile = join(folder, "token");
  // Any free port.
  const env = { PODWIRE_PORT: "0", COMPOSE_PROGRESS: "quiet" };
  const compose = (...args: readonly string[]) =>
    mustRun(["docker", "compose", "--project-directory", home, "--project-name", project, ...args], { env });
  const end = async () => {
    await compose("down", "--volumes", "--timeout", "5");
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await compose("up", "--build", "--wait", "--scale", `node-agent=${nodes}`);
    await compose("cp", "control-plane:/var/lib/podwire/store/user-token", tokenFile);
    const address = (await compose("port", "control-plane", "7443")).trim();
    return { runsAs: "containers", flags: ["--server", address, "--token-file", tokenFile], end };
  } catch (error) {
    await end().catch(() => {});
    throw error;
  }
}
