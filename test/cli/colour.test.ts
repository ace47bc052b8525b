import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { Environment } from "#process/cluster-paths.ts";
import { systemClock } from "#process/system-clock.ts";
import { runCli } from "../../cli/run-cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../support/control-plane.ts";

/** With the escape character as terminals echo it. */
function visible(output: string): string {
  return output.replaceAll("\x1b", "^");
}

describe("colours", () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
    await cluster.write("create", podManifest("web"));
  });
  after(() => cluster[Symbol.asyncDispose]());

  async function run(argv: readonly string[], { isTTY, env = {} }: { isTTY: boolean; env?: Environment }) {
    const stdout = Object.assign(new PassThrough(), { isTTY });
    const stderr = Object.assign(new PassThrough(), { isTTY });
    await runCli(argv, {
      ...{ stdin: Readable.from([]), stdout, stderr, clock: systemClock, signal: new AbortController().signal },
      env: { XDG_RUNTIME_DIR: "/nonexistent", PODWIRE_SERVER: cluster.address, ...env },
    });
    stdout.end();
    stderr.end();
    return { stdout: visible(await text(stdout)), stderr: visible(await text(stderr)) };
  }

  it("mark how things are, on a terminal only", async () => {
    const { stdout } = await run(["get", "pods"], { isTTY: true });
    assert.match(stdout, /^NAME {3}READY {3}STATUS {4}RESTARTS {3}AGE\nweb {4}0\/1 {5}\^\[33mPending\^\[0m {3}0 /);
    assert.match((await run(["get", "ns"], { isTTY: true })).stdout, /\^\[32mActive\^\[0m/);
    assert.doesNotMatch((await run(["get", "pods"], { isTTY: false })).stdout, /\^\[/);
  });

  it("mark complaints", async () => {
    const { stderr } = await run(["get", "pod", "nope"], { isTTY: true });
    assert.equal(stderr, '^[31mError from server (NotFound):^[0m pods "nope" not found\n');
    assert.match((await run(["get"], { isTTY: true })).stderr, /^\^\[31merror:\^\[0m You must specify/);
  });

  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    it(`are left out with ${JSON.stringify(env)}`, async () => {
      assert.doesNotMatch((await run(["get", "pods"], { isTTY: true, env })).stdout, /\^\[/);
    });
  }
});
