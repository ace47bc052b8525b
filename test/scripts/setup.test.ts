import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { createOrdinaryUser } from "../support/ordinary-user.ts";

describe("npm run setup", () => {
  it("tells a user who isn't root what to run, and installs nothing", () => {
    using user = createOrdinaryUser(56_789);
    const bare = join(user.home, "bin");
    mkdirSync(bare);
    for (const program of ["bash", "id", "apt-get"]) symlinkSync(`/usr/bin/${program}`, join(bare, program));
    const script = join(user.launcher, "..", "scripts", "setup.sh");
    const [program = "", ...words] = [...user.words, "env", `PATH=${bare}`, "/usr/bin/bash", script];
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
    assert.equal(status, 1, stderr);
    assert.match(stdout, /^setup: missing packages: .*\btini\b/m);
    assert.match(stderr, /^ {2}sudo apt-get install -y --no-install-recommends .*\btini\b/m);
  });
});
