import assert from "node:assert/strict";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";

describe("podwire patch", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    await cluster.write("create", podManifest("web", {}, { labels: { app: "web" } }));
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  it("merges JSON and YAML", async () => {
    const patch = '{"metadata":{"labels":{"app":null,"tier":"front"}}}';
    const result = await cli.run(["patch", "pod", "web", "--type=merge", "-p", patch]);
    assert.deepEqual(result, { code: 0, stdout: "pod/web patched\n", stderr: "" });
    assert.deepEqual(cluster.pod("web")?.metadata?.labels, { tier: "front" });
    assert.equal((await cli.run(["patch", "pod/web", "-p", "metadata: {labels: {a: b}}"])).stdout, "pod/web patched\n");
    assert.deepEqual(cluster.pod("web")?.metadata?.labels, { tier: "front", a: "b" });
  });

  it("merges lists of named things by their names, unless told otherwise", async () => {
    const patch = '{"spec":{"containers":[{"name":"main","image":"podwire/toolbox:2"}]}}';
    assert.equal((await cli.run(["patch", "pod", "web", "-p", patch])).stdout, "pod/web patched\n");
    const [main] = cluster.pod("web")?.spec?.containers ?? [];
    assert.deepEqual([main?.image, main?.command], ["podwire/toolbox:2", ["sleep", "inf"]]);
  });

  it("applies a list of operations, from standard input too", async () => {
    const operations = '[{"op":"replace","path":"/metadata/labels/app","value":"x"}]';
    assert.equal(
      (await cli.run(["patch", "pod", "web", "--type=json", "--patch-file=-"], operations)).stdout,
      "pod/web patched\n",
    );
    assert.deepEqual(cluster.pod("web")?.metadata?.labels, { app: "x" });
  });

  it("says where nothing changed, and prints the object where it is asked to", async () => {
    const argv = ["patch", "pod", "web", "--type=merge", "-p", '{"metadata":{"labels":{"app":"web"}}}'];
    assert.equal((await cli.run(argv)).stdout, "pod/web patched (no change)\n");
    assert.equal((await cli.run([...argv, "-o", "name"])).stdout, "pod/web\n");
  });

  const wrong: readonly (readonly [argv: readonly string[], stderr: RegExp])[] = [
    [["patch", "pod", "web"], /^error: must specify --patch or --patch-file/],
    [["patch", "pod", "-p", "{}"], /^error: resource\(s\) were provided, but no name was specified/],
    [["patch", "pod", "web", "-p", "{}", "--type=odd"], /^error: --type must be one of \[json merge strategic\], not "odd"/],
    [["patch", "pod", "web", "-p", "{"], /^error: unable to parse "\{"/],
    [["patch", "pod", "web", "-p", "word"], /^error: unable to parse "word": a patch is an object or a list/],
    [["patch", "pod", "web", "--patch-file=/nonexistent"], /^error: cannot read \/nonexistent/],
    [["patch", "pod", "nope", "-p", "{}"], /^Error from server \(NotFound\): pods "nope" not found/],
    [["patch", "pod", "web", "--type=merge", "-p", '{"spec":{"nodeName":"x"}}'], /^The Pod "web" is invalid/],
  ];
  for (const [argv, want] of wrong) {
    it(`refuses ${argv.join(" ")}`, async () => {
      const { code, stderr } = await cli.run(argv);
      assert.equal(code, 1);
      assert.match(stderr, want);
    });
  }
});
