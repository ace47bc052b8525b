/* The `podwire` script, as a process. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const launcher = join(import.meta.dirname, "..", "..", "podwire");

describe("the launcher", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "podwire-launcher-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const start = (path: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr } = spawnSync(path, [...argv], {
      encoding: "utf8",
      cwd: "/",
      env: { PATH: process.env.PATH, ...env },
    });
    return { status, stdout, stderr };
  };

  it("finds its checkout through symbolic links, and prints nothing of Node's own", () => {
    symlinkSync(launcher, join(folder, "one"));
    symlinkSync("one", join(folder, "two"));
    const { status, stdout, stderr } = start(join(folder, "two"), ["version", "--client"]);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^Client Version: v/);
  });

  it("hands on arguments as they are, and the exit code", () => {
    const { status, stderr } = start(launcher, ["get", "a b*", "--server", "unix:/nonexistent"]);
    assert.deepEqual([status, stderr], [1, `error: the server doesn't have a resource type "a b*"\n`]);
  });

  it("runs where nothing can be kept", () => {
    const { status, stderr } = start(launcher, ["version", "--client"], { NODE_COMPILE_CACHE: "/dev/null/nowhere" });
    assert.deepEqual([status, stderr], [0, ""]);
  });

  it("says what to do where nothing is installed", () => {
    const copy = join(folder, "podwire");
    copyFileSync(launcher, copy);
    const { status, stdout, stderr } = start(copy, ["version"]);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^error: .*node_modules is missing or incomplete: run `npm ci` in .* first\n$/);
  });
});
