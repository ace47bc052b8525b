import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sweepDead } from "../../embedded/cluster-folder.ts";

const dead = "999999999 (tini) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1\n";
const living = readFileSync("/proc/self/stat", "utf8");

describe("a sweep of dead clusters", () => {
  for (const [what, identity, starter, ageMs, stays] of [
    ["one whose sandbox lives", living, dead, 60_000, true],
    ["one whose sandbox is dead", dead, dead, 0, false],
    ["one whose sandbox is being started", undefined, living, 60_000, true],
    ["one whose sandbox will be started by nobody", undefined, dead, 0, false],
    ["one that somebody is just making", undefined, undefined, 1_000, true],
    ["one that somebody began to make and never did", undefined, undefined, 60_000, false],
    ["one whose sandbox is just naming itself", "", living, 60_000, true],
    ["one whose sandbox never named itself", "", dead, 0, false],
  ] as const) {
    it(`${stays ? "keeps" : "removes"} ${what}`, () => {
      const runtime = mkdtempSync(join(tmpdir(), "podwire-sweep-"));
      try {
        const dir = join(runtime, "podwire", "some");
        mkdirSync(dir, { recursive: true });
        if (identity !== undefined) writeFileSync(join(dir, "sandbox"), identity);
        if (starter !== undefined) writeFileSync(join(dir, "starter"), starter);
        sweepDead({ XDG_RUNTIME_DIR: runtime }, statSync(dir).mtimeMs + ageMs);
        assert.equal(existsSync(dir), stays);
      } finally {
        rmSync(runtime, { recursive: true });
      }
    });
  }

  it("removes the rest of a folder whose removal was broken off", () => {
    const runtime = mkdtempSync(join(tmpdir(), "podwire-sweep-"));
    try {
      mkdirSync(join(runtime, "podwire", ".some-1", "logs"), { recursive: true });
      sweepDead({ XDG_RUNTIME_DIR: runtime }, 0);
      assert.deepEqual(readdirSync(join(runtime, "podwire")), []);
    } finally {
      rmSync(runtime, { recursive: true });
    }
  });

  it("has nothing to do before the first cluster", () => {
    sweepDead({ XDG_RUNTIME_DIR: "/nonexistent" }, 0);
  });
});
