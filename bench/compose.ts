/* What a user of docker-compose.yml waits for, with an image that is built, on the engine that `docker` reaches. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { median, type Row } from "./row.ts";

const root = join(import.meta.dirname, "..");
const rounds = 5;
const project = "podwire-bench";

/** Throws where there is no engine. */
export async function benchCompose(): Promise<Row[]> {
  await compose("build", "control-plane");
  const upSeconds: number[] = [];
  const scaleSeconds: number[] = [];
  const downSeconds: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      upSeconds.push(await compose("up", "--wait"));
      scaleSeconds.push(await compose("up", "--wait", "--no-recreate", "--scale", "node-agent=5", "node-agent"));
      downSeconds.push(await compose("down", "--volumes"));
    }
  } finally {
    await compose("down", "--volumes");
  }
  return [
    { name: "`docker compose up --wait`: three nodes Ready", value: median(upSeconds), unit: "s", target: "≤ 6" },
    { name: "`--scale node-agent=5`: two more Ready", value: median(scaleSeconds), unit: "s" },
    { name: "`docker compose down -v`", value: median(downSeconds), unit: "s" },
  ];
}

/** Seconds. */
async function compose(...args: readonly string[]): Promise<number> {
  const env = { ...process.env, PODWIRE_PORT: "0", PODWIRE_IMAGE: project, COMPOSE_PROGRESS: "quiet" };
  const startedMs = performance.now();
  await promisify(execFile)("docker", ["compose", "--project-directory", root, "--project-name", project, ...args], { env });
  return (performance.now() - startedMs) / 1000;
}
