import assert from "node:assert/strict";
import { nftProgram } from "#kernel/nft-program.ts";
import { type WatchedRuleset, watchRuleset } from "#kernel/ruleset.ts";
import { enterHostNamespace } from "../support/host-namespace.ts";

const { signal } = new AbortController();
const change = (ruleset: Pick<WatchedRuleset, "apply">, name: string) => ruleset.apply([`add table ip ${name}`], signal);

describe("a watched ruleset", () => {
  const cases: readonly (readonly [string, boolean, (ruleset: WatchedRuleset) => Promise<void>])[] = [
    ["nobody changed anything", false, async () => {}],
    [
      "only we did",
      false,
      async (ruleset) => {
        for (const name of ["a", "b", "c"]) await change(ruleset, name);
      },
    ],
    ["somebody else did", true, () => change(nftProgram, "a")],
    [
      "somebody else did, and we did",
      true,
      async (ruleset) => {
        await Promise.all([change(ruleset, "a"), change(nftProgram, "b"), change(ruleset, "c")]);
      },
    ],
    [
      "we failed to",
      false,
      async (ruleset) => {
        await assert.rejects(ruleset.apply(["delete table ip nobody"], signal));
      },
    ],
    [
      "we failed to, and somebody else did",
      true,
      async (ruleset) => {
        await change(nftProgram, "a");
        await assert.rejects(ruleset.apply(["delete table ip nobody"], signal));
      },
    ],
  ];
  for (const [sentence, isForeign, happens] of cases) {
    it(`tells ${isForeign ? "once" : "nothing"} when ${sentence}`, async () => {
      await using _ = await enterHostNamespace();
      await change(nftProgram, "before");
      using ruleset = watchRuleset(nftProgram);
      await happens(ruleset);
      assert.equal(ruleset.changedByOthers(), isForeign);
      assert.equal(ruleset.changedByOthers(), false);
    });
  }

  it("waits with its answer until our own change is done", async () => {
    await using _ = await enterHostNamespace();
    using ruleset = watchRuleset(nftProgram);
    const own = change(ruleset, "a");
    await change(nftProgram, "b");
    const early = ruleset.changedByOthers();
    await own;
    assert.equal(early || ruleset.changedByOthers(), true);
  });

  it("is asked in microseconds", async () => {
    await using _ = await enterHostNamespace();
    using ruleset = watchRuleset(nftProgram);
    const startedMs = performance.now();
    for (let i = 0; i < 1_000; i++) ruleset.changedByOthers();
    assert.ok(performance.now() - startedMs < 500);
  });
});
