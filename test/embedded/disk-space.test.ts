import { equal } from "node:assert/strict";
import { lackOf } from "../../embedded/disk-space.ts";

describe("the room of a disk", () => {
  const roomy = { bavail: 2_000, bsize: 4_096, files: 10_000, ffree: 5_000 };
  for (const [what, change, want] of [
    ["enough", {}, undefined],
    ["enough, on a file system that counts no files", { files: 0, ffree: 0 }, undefined],
    ["too little", { bavail: 1_000 }, "4000 KiB of room left, less than the 4096 KiB that a cluster needs"],
    ["none", { bavail: 0 }, "0 KiB of room left, less than the 4096 KiB that a cluster needs"],
    ["none for files", { ffree: 255 }, "room for 255 files, less than the 256 that a cluster needs"],
  ] as const) {
    it(`is ${what}`, () => equal(lackOf({ ...roomy, ...change }), want));
  }
});
