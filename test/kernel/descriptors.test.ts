import assert from "node:assert/strict";
import { type StdioOptions, spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** Past those that Node keeps to itself. */
const inherited = 200;
const starter = join(import.meta.dirname, "start-listing.ts");

describe("inherited descriptors", () => {
  for (const [kept, seen] of [
    ["kept", false],
    ["given", true],
  ] as const) {
    it(`${seen ? "reach" : "don't reach"} a program that is started, where they are ${kept}`, async () => {
      const stdio: StdioOptions = ["ignore", "pipe", "inherit", ...Array(inherited - 3).fill("ignore"), "pipe"];
      const child = spawn(process.execPath, [starter, kept], { stdio });
      assert.ok(child.stdout !== null);
      const descriptors = (await text(child.stdout)).trim().split("\n");
      assert.ok(["0", "1", "2"].every((name) => descriptors.includes(name)));
      assert.equal(descriptors.includes(String(inherited)), seen);
    });
  }
});
