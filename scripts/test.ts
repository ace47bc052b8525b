/* Runs the tests inside a sandbox of their own: network, mount and pid namespaces without a way out. Nothing that a test makes can
 * meet the machine's own network or another cluster, and nothing of it outlives the run, even one that is killed.
 *
 *   node scripts/test.ts [mocha's arguments]     all tests, or: test/netns/overlay.test.ts, test/cli, -g "a sentence"
 *
 * Ends with the line "N passed, N failed". */

import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";

const project = join(import.meta.dirname, "..");
const mocha = join(project, "node_modules", "mocha", "bin", "mocha.js");
// Left to itself, mocha would take a folder's every file for tests.
const given = process.argv.slice(2).map((argument) => (isFolder(argument) ? join(argument, "**", "*.test.ts") : argument));
const files = given.some((argument) => argument.endsWith(".test.ts")) ? [] : ["test/**/*.test.ts"];

if (process.getuid?.() !== 0) {
  process.stderr.write("The tests act as several users, which needs root: run them as root, for example with sudo.\n");
  process.exit(1);
}

const namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child=SIGKILL"];
const sandbox = ["sh", join(project, "kernel", "init.sh"), "/dev/null"];
const tests = [
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  mocha,
  "--no-config",
  ...["--timeout", "60000", "--forbid-only", "--forbid-pending", "--exit"],
  ...["--reporter", join(project, "test", "support", "reporter.ts")],
  // They are about containers of the machine's engine, which a sandbox can't reach: scripts/test-docker.ts runs them.
  ...["--ignore", "test/docker/**"],
  ...given,
  ...files,
];
const child = spawn("unshare", [...namespaces, "--", ...sandbox, ...tests], {
  cwd: project,
  stdio: "inherit",
  env: { ...process.env, PODWIRE_TEST_SANDBOX: "1" },
});
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => child.kill("SIGKILL"));
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
