import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";

interface Named {
  readonly name: string;
}
interface Answers {
  readonly whole: { readonly nftables: readonly { readonly set?: { readonly elem: readonly string[] } }[] };
  readonly terse: { readonly nftables: readonly { readonly set?: { readonly elem?: readonly string[] } }[] };
  readonly missingTable: unknown;
  readonly failed: unknown;
  readonly aborted: unknown;
  readonly many: string;
  readonly chains: { readonly nftables: readonly { readonly chain?: Named }[] };
}

function talk(way: string): Answers {
  const script = join(import.meta.dirname, "nft-talk.ts");
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", script, way];
  return JSON.parse(
    execFileSync("unshare", ["--net", ...node], { encoding: "utf8", cwd: join(import.meta.dirname, "..", "..") }),
  );
}

for (const way of ["program", "library"]) {
  describe(`nftables by its ${way}`, () => {
    let answers: Answers;
    before(() => {
      answers = talk(way);
    });

    it("applies what it is told, and lists it", () => {
      const sets = answers.whole.nftables.flatMap(({ set }) => (set === undefined ? [] : [set.elem]));
      assert.deepEqual(sets, [["10.0.0.1", "10.0.0.2"]]);
    });

    it("leaves out elements when it is terse", () => {
      const sets = answers.terse.nftables.flatMap(({ set }) => (set === undefined ? [] : [set.elem ?? "none"]));
      assert.deepEqual(sets, ["none"]);
    });

    it("throws what nftables says, and has then done nothing", () => {
      assert.deepEqual(answers.missingTable, { isRunError: true, says: true });
      assert.deepEqual(answers.failed, { isRunError: true, says: true });
      assert.deepEqual(answers.aborted, { isRunError: false, says: false });
    });

    it("takes many at once", () => {
      assert.equal(answers.many, "done");
      const names = answers.chains.nftables.flatMap(({ chain }) => (chain === undefined ? [] : [chain.name]));
      assert.deepEqual(names.sort(), ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]);
    });
  });
}
