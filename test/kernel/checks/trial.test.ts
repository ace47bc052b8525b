import assert from "node:assert/strict";
import { type Feature, linesFor } from "#kernel/checks/features.ts";
import { readComplaints, tryMachine } from "#kernel/checks/trial.ts";
import { cleanEnv } from "../../support/podwire.ts";
import { clusterTraces } from "../../support/proc.ts";
import { requireSandbox } from "../../support/sandbox.ts";
import { until } from "../../support/until.ts";

const number = (program: "ip" | "nft", feature: Feature) => linesFor(program).findIndex((line) => line.feature === feature) + 1;

describe("complaints of a trial", () => {
  const cases: readonly (readonly [sentence: string, program: "ip" | "nft", stderr: string, want: unknown])[] = [
    [
      "one of ip's lines",
      "ip",
      `RTNETLINK answers: Operation not supported\nCommand failed -:${number("ip", "bridge")}\n`,
      [["bridge", "RTNETLINK answers: Operation not supported"]],
    ],
    [
      "two of ip's lines",
      "ip",
      `open: No such file or directory\nCommand failed -:${number("ip", "tun")}\nError: no.\nCommand failed -:${number("ip", "routes")}\n`,
      [
        ["tun", "open: No such file or directory"],
        ["routes", "Error: no."],
      ],
    ],
    [
      "nft's lines, the first of each",
      "nft",
      `/dev/stdin:${number("nft", "numgen")}:1-5: Error: Could not process rule: No such file or directory\nadd rule\n^^^\n/dev/stdin:${number("nft", "ct mark")}:1-5: Error: syntax error\n`,
      [
        ["numgen", "Error: Could not process rule: No such file or directory"],
        ["ct mark", "Error: syntax error"],
      ],
    ],
  ];
  for (const [sentence, program, stderr, want] of cases) {
    it(`are of ${sentence}`, () => {
      const trial = readComplaints(program, stderr);
      assert.equal(trial.state, "ran");
      assert.deepEqual(trial.state === "ran" && [...trial.failures], want);
    });
  }

  it("without a line are of all that the program was to do", () => {
    const trial = readComplaints("nft", "netlink: Error: cache initialization failed: Protocol not supported\n");
    assert.deepEqual(trial.state === "ran" && [...trial.failures.keys()], [
      ...new Set(linesFor("nft").map(({ feature }) => feature)),
    ]);
  });

  it("of a program on the way mean that there was no sandbox", () => {
    const said = "unshare: unshare failed: Operation not permitted";
    assert.deepEqual(readComplaints("ip", `${said}\n`), { state: "no sandbox", said });
  });
});

describe("a trial", () => {
  const env = cleanEnv({});

  it("finds everything that a cluster uses, and leaves nothing", async () => {
    requireSandbox();
    const trial = await tryMachine({ uid: 0, env, signal: AbortSignal.timeout(10_000) });
    assert.deepEqual(trial, { state: "ran", failures: new Map() });
    await until(() => clusterTraces().length === 0, "an end of the trial's processes");
  });

  it("says why it could not begin", async () => {
    const trial = await tryMachine({ uid: 0, env: { ...env, PATH: "/nonexistent" }, signal: AbortSignal.timeout(10_000) });
    assert.equal(trial.state, "not run");
    assert.match(trial.state === "not run" ? trial.because : "", /"unshare" is missing/);
  });
});
