import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import fc from "fast-check";
import { pack } from "../../../cli/copy/pack.ts";
import { decodeHeader, encodeHeader, padding, type TarHeader } from "../../../cli/copy/tar-header.ts";
import { readTar } from "../../../cli/copy/tar-reader.ts";
import { unpack } from "../../../cli/copy/unpack.ts";

const run = promisify(execFile);

interface Entry extends Partial<TarHeader> {
  readonly path: string;
  readonly text?: string;
}

function archive(...entries: Entry[]): Buffer {
  const parts = entries.map(({ text = "", ...header }) => {
    const body = Buffer.from(text);
    const whole = { type: "0", mode: 0o644, size: body.length, mtimeSeconds: 0, linkPath: "", ...header };
    return Buffer.concat([encodeHeader(whole), body, padding(body.length)]);
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** In pieces of `size`, as a slow connection brings it. */
async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("a tar archive", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "podwire-tar-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const at = (...names: string[]) => join(folder, ...names);

  /** Puts it into `target`; answers what was skipped. */
  async function put(bytes: Buffer, { root = "root", target = at("target"), size = 1_000 } = {}): Promise<string[]> {
    const skipped: string[] = [];
    const onSkipped = (path: string, why: string) => void skipped.push(`${path} ${why}`);
    await unpack({ entries: readTar(inPieces(bytes, size)), root, target, onSkipped });
    return skipped;
  }

  it("is read by tar, and what tar writes is read, names of any length and kind too", async () => {
    const long = `${"directory-".repeat(12)}/${"ä".repeat(90)}`;
    mkdirSync(at("in", "directory-".repeat(12)), { recursive: true });
    writeFileSync(at("in", long), "long");
    writeFileSync(at("in", "empty"), "");
    writeFileSync(at("in", "exact"), "x".repeat(512));
    writeFileSync(at("in", "run"), "#!/bin/sh\n");
    chmodSync(at("in", "run"), 0o755);
    symlinkSync("run", at("in", "link"));
    const ours = await buffer(pack({ path: at("in"), name: "root", onSkipped: () => assert.fail("nothing is skipped") }));
    writeFileSync(at("ours.tar"), ours);
    mkdirSync(at("out"));
    await run("tar", ["-xf", at("ours.tar"), "-C", at("out")]);
    await run("diff", ["-r", at("in"), at("out", "root")]);
    assert.equal(statSync(at("out", "root", "run")).mode & 0o777, 0o755);
    for (const format of ["gnu", "pax", "ustar"]) {
      if (format === "ustar") rmSync(at("in", "directory-".repeat(12)), { recursive: true });
      await run("tar", [`--format=${format}`, "-cf", at("theirs.tar"), "-C", at("in"), "."]);
      const skipped = await put(readFileSync(at("theirs.tar")), { root: ".", target: at(format) });
      assert.deepEqual(skipped, ['./link is a symbolic link to "run"']);
      rmSync(at("in", "link"));
      await run("diff", ["-r", at("in"), at(format)]);
      symlinkSync("run", at("in", "link"));
    }
  });

  it("says in its headers what it was given", () => {
    fc.assert(
      fc.property(
        fc.record({
          path: fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).filter((text) => !text.includes("\0")),
          mode: fc.nat(0o7777),
          size: fc.nat(),
          mtimeSeconds: fc.nat(),
        }),
        (header) => {
          const whole = { ...header, type: "0", linkPath: "" };
          const block = encodeHeader(whole);
          fc.pre(block.length === 512);
          assert.deepEqual(decodeHeader(block), whole);
        },
      ),
    );
  });

  it("can hold a file of more than 8 GiB", async () => {
    const size = 9 * 1024 ** 3;
    const header = encodeHeader({ path: "big", type: "0", mode: 0o644, size, mtimeSeconds: 0, linkPath: "" });
    const { value } = await readTar(inPieces(header, 512)).next();
    assert.deepEqual([value?.path, value?.size], ["big", size]);
  });

  for (const size of [1, 511, 512, 513, 100_000]) {
    it(`comes in pieces of ${size} bytes`, async () => {
      const bytes = archive(
        { path: "root/", type: "5" },
        { path: "root/a", text: "x".repeat(1_000) },
        { path: "root/b", text: "y".repeat(512) },
      );
      assert.deepEqual(await put(bytes, { size }), []);
      assert.deepEqual(
        ["a", "b"].map((name) => readFileSync(at("target", name), "utf8")),
        ["x".repeat(1_000), "y".repeat(512)],
      );
    });
  }

  it("that breaks off is an error", async () => {
    const bytes = archive({ path: "root", text: "x".repeat(5_000) });
    for (const length of [100, 512, 600, 5_000]) {
      await assert.rejects(put(bytes.subarray(0, length)), /broke off/);
    }
  });

  it("that is none is an error", async () => {
    await assert.rejects(put(Buffer.alloc(1_024, "no archive")), /is no tar archive/);
  });

  const hostile: readonly (readonly [sentence: string, entry: Entry, why: RegExp])[] = [
    ["a path above the target", { path: "root/../../stolen", text: "x" }, /is outside target destination/],
    ["an absolute path", { path: "/tmp/stolen", text: "x" }, /is outside target destination/],
    ["another root", { path: "other/stolen", text: "x" }, /is outside target destination/],
    ["a symbolic link", { path: "root/link", type: "2", linkPath: "/etc/passwd" }, /is a symbolic link to "\/etc\/passwd"/],
    ["a hard link out of the target", { path: "root/link", type: "1", linkPath: "root/../../secret" }, /links out of the target/],
    ["a hard link to what isn't there", { path: "root/link", type: "1", linkPath: "root/none" }, /links to what was not copied/],
    ["a hard link through a link that was there", { path: "root/x", type: "1", linkPath: "root/out/secret" }, /links out/],
    ["a hard link to a link that was there", { path: "root/x", type: "1", linkPath: "root/own" }, /links to what was not copied/],
    ["a character device", { path: "root/null", type: "3" }, /is neither a file nor a folder/],
    ["a block device", { path: "root/sda", type: "4" }, /is neither a file nor a folder/],
    ["a pipe", { path: "root/pipe", type: "6" }, /is neither a file nor a folder/],
    ["a file through a link that was there", { path: "root/out/stolen", text: "x" }, /is outside target destination/],
    ["a folder through a link that was there", { path: "root/out/stolen/", type: "5" }, /is outside target destination/],
    ["a file in the place of a link that was there", { path: "root/own", text: "x" }, /would replace what is no file/],
    ["a file in the place of a folder", { path: "root/folder", text: "x" }, /would replace what is no file/],
  ];
  for (const [sentence, entry, why] of hostile) {
    it(`leaves out ${sentence}, and goes on`, async () => {
      mkdirSync(at("target", "folder"), { recursive: true });
      mkdirSync(at("elsewhere"));
      writeFileSync(at("secret"), "secret");
      writeFileSync(at("elsewhere", "secret"), "secret");
      symlinkSync(at("elsewhere"), at("target", "out"));
      symlinkSync(at("secret"), at("target", "own"));
      const skipped = await put(archive({ path: "root/", type: "5" }, entry, { path: "root/after", text: "good" }));
      assert.equal(skipped.length, 1, skipped.join("\n"));
      assert.match(skipped[0] ?? "", why);
      assert.equal(readFileSync(at("target", "after"), "utf8"), "good");
      for (const path of [at("stolen"), at("elsewhere", "stolen"), at("target", "x"), "/tmp/stolen"])
        assert.ok(!existsSync(path));
      for (const path of [at("secret"), at("elsewhere", "secret")]) assert.equal(readFileSync(path, "utf8"), "secret");
    });
  }

  it("gives a hard link the file's content", async () => {
    const bytes = archive(
      { path: "root/", type: "5" },
      { path: "root/a", text: "same" },
      { path: "root/b", type: "1", linkPath: "root/a" },
    );
    assert.deepEqual(await put(bytes), []);
    assert.equal(readFileSync(at("target", "b"), "utf8"), "same");
  });

  it("of one file becomes the target, or stands in the folder that the target is", async () => {
    await put(archive({ path: "hosts", text: "one" }), { root: "hosts", target: at("copy") });
    assert.equal(readFileSync(at("copy"), "utf8"), "one");
    mkdirSync(at("there"));
    await put(archive({ path: "hosts", text: "two" }), { root: "hosts", target: at("there") });
    assert.equal(readFileSync(at("there", "hosts"), "utf8"), "two");
  });

  it("sets no rights beyond those of users: no setuid", async () => {
    await put(archive({ path: "root", text: "x", mode: 0o4755 }), { root: "root" });
    assert.equal(statSync(at("target")).mode & 0o7000, 0);
  });
});
