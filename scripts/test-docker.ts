/* Runs the tests of what runs in Docker's containers (test/docker), on the engine that `docker` reaches. Every container, network and volume
 * of theirs belongs to a Compose project of their own, which goes in the end. Where there is no engine they fail, and say so.
 *
 *   node scripts/test-docker.ts [mocha's arguments]
 *
 * Ends with the line "N passed, N failed". */

import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

const project = join(import.meta.dirname, "..");
const mocha = join(project, "node_modules", "mocha", "bin", "mocha.js");

for (const needed of [["version"], ["compose", "version"]]) {
  const { status, stderr, error } = spawnSync("docker", needed, { encoding: "utf8" });
  if (status === 0) continue;
  const why = error?.message ?? stderr.trim().split("\n").at(-1);
  process.stderr.write(
    `test:docker: \`docker ${needed.join(" ")}\` fails (${why}): run \`npm run setup:docker\`\n0 passed, 1 failed\n`,
  );
  process.exit(1);
}

const options = [
  "--no-config",
  ...["--timeout", "120000", "--forbid-only", "--forbid-pending", "--exit"],
  ...["--reporter", join(project, "test", "support", "reporter.ts")],
];
const given = process.argv.slice(2);
const files = given.some((argument) => argument.endsWith(".test.ts")) ? [] : ["test/docker/**/*.test.ts"];
const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", mocha, ...options, ...given, ...files], {
  cwd: project,
  stdio: "inherit",
});
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
