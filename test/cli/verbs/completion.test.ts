import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";

describe("completion of command lines", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  before(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    await cluster.join("node-1");
    await cluster.write("create", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    await cluster.write("create", [podManifest("web-1"), podManifest("web-2"), podManifest("api", {}, { namespace: "shop" })]);
  });
  after(() => cluster[Symbol.asyncDispose]());

  const cases: readonly { typed: readonly string[]; want: readonly string[] }[] = [
    { typed: ["des"], want: ["describe"] },
    { typed: ["-n", "shop", "cor"], want: ["cordon"] },
    { typed: ["help", "unc"], want: ["uncordon"] },
    { typed: ["__comp"], want: [] },
    { typed: ["get", "no"], want: ["nodegroups", "nodes"] },
    { typed: ["get", "pods", ""], want: ["web-1", "web-2"] },
    { typed: ["get", "pod", "web-1", "web-2"], want: ["web-2"] },
    { typed: ["get", "po", "-n", "shop", ""], want: ["api"] },
    { typed: ["describe", "pod/w"], want: ["pod/web-1", "pod/web-2"] },
    { typed: ["get", "pods", "-A", ""], want: ["api", "web-1", "web-2"] },
    { typed: ["get", "pods", "-n", "s"], want: ["shop"] },
    { typed: ["get", "pods", "-o", "w"], want: ["wide"] },
    { typed: ["get", "pods", "--show"], want: ["--show-labels"] },
    { typed: ["apply", "--dry-run", ""], want: ["client", "none", "server"] },
    { typed: ["logs", "web"], want: ["web-1", "web-2"] },
    { typed: ["logs", "web-1", "-c", ""], want: ["main"] },
    { typed: ["exec", "web-1", "--", "s"], want: [] },
    { typed: ["cordon", ""], want: ["node-1"] },
    { typed: ["top", ""], want: ["nodes", "pods"] },
    { typed: ["top", "pods", "web-"], want: ["web-1", "web-2"] },
    { typed: ["top", "node", ""], want: ["node-1"] },
    { typed: ["top", "pods", "--sort-by", ""], want: ["cpu", "memory"] },
    { typed: ["get", "pods", "--sort-by", ""], want: [] },
    { typed: ["node", "st"], want: ["start", "stop"] },
    { typed: ["node", "kill", ""], want: ["node-1"] },
    { typed: ["completion", ""], want: ["bash", "fish", "zsh"] },
    { typed: ["apply", "-f", ""], want: [] },
    { typed: ["nope", ""], want: [] },
    { typed: ["get", "nopes", ""], want: [] },
  ];
  for (const { typed, want } of cases) {
    it(`of ${JSON.stringify(typed.join(" "))}`, async () => {
      const stdout = want.map((word) => `${word}\n`).join("");
      assert.deepEqual(await cli.run(["__complete", "--", ...typed]), { code: 0, stdout, stderr: "" });
    });
  }

  it("says nothing where there is no cluster", async () => {
    const alone = createTestCli();
    assert.deepEqual(await alone.run(["__complete", "--", "get", "pods", ""]), { code: 0, stdout: "", stderr: "" });
  });

  it("is asked for by bash with the words up to the cursor", async () => {
    const { stdout } = await cli.type("completion bash");
    const played = `podwire() { [ "$1" = __complete ] && printf '%s\\n' "$3/$4"; }
${stdout}
COMP_WORDS=(podwire get pods later); COMP_CWORD=2
__podwire_complete
printf '%s\\n' "\${COMPREPLY[@]}"`;
    assert.equal(execFileSync("bash", ["--norc", "-c", played], { encoding: "utf8" }), "get/pods\n");
  });

  it("knows three shells", async () => {
    assert.match((await cli.type("completion zsh")).stdout, /^#compdef podwire\n/);
    assert.match((await cli.type("completion fish")).stdout, /complete -c podwire/);
    assert.match((await cli.type("completion tcsh")).stderr, /^error: unsupported shell type "tcsh": want bash, zsh or fish/);
    assert.match((await cli.type("completion")).stderr, /^error: shell not specified/);
  });
});
