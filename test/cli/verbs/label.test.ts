import assert from "node:assert/strict";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";

interface Case {
  readonly line: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
}

describe("podwire label and annotate", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    const metadata = { labels: { app: "web", old: "yes" }, annotations: { note: "mine" } };
    await cluster.write("create", [podManifest("web", {}, metadata), podManifest("db")]);
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  const labels = (name: string) => cluster.pod(name)?.metadata?.labels;

  it("sets, changes and takes away labels", async () => {
    assert.deepEqual(await cli.type("label pod web tier=front"), { code: 0, stdout: "pod/web labeled\n", stderr: "" });
    assert.equal((await cli.type("label pod/web pod/db app=x --overwrite")).stdout, "pod/web labeled\npod/db labeled\n");
    assert.equal((await cli.type("label pod web old-")).stdout, "pod/web unlabeled\n");
    assert.deepEqual(labels("web"), { app: "x", tier: "front" });
    assert.deepEqual(labels("db"), { app: "x" });
  });

  it("takes all of a kind, or those that a selector picks", async () => {
    assert.equal((await cli.type("label pods -l app=web seen=1")).stdout, "pod/web labeled\n");
    assert.equal((await cli.type("label po --all -A on=1")).stdout, "pod/db labeled\npod/web labeled\n");
    assert.equal((await cli.type("label pods --field-selector metadata.name=db on-")).stdout, "pod/db unlabeled\n");
  });

  it("lists them", async () => {
    assert.equal((await cli.type("label pod web --list")).stdout, "app=web\nold=yes\n");
    const both = "Listing labels for Pod/db:\nListing labels for Pod/web:\n app=web\n old=yes\n";
    assert.equal((await cli.type("label pods --list --all")).stdout, both);
    assert.equal((await cli.type("annotate pod web --list")).stdout, "note=mine\n");
  });

  it("annotates", async () => {
    assert.equal((await cli.run(["annotate", "pod", "web", "text=two words", "note-"])).stdout, "pod/web annotated\n");
    assert.deepEqual(cluster.pod("web")?.metadata?.annotations, { text: "two words" });
  });

  it("writes nothing in a dry run, and prints what would be", async () => {
    assert.equal((await cli.type("label pod web a=b --dry-run=server")).stdout, "pod/web labeled (server dry run)\n");
    assert.equal((await cli.type("label pod web a=b --dry-run=client -o jsonpath={.metadata.labels.a}")).stdout, "b");
    assert.deepEqual(labels("web"), { app: "web", old: "yes" });
  });

  const cases: readonly Case[] = [
    { line: "label pod web app=web", stdout: "pod/web not labeled\n" },
    { line: "label pod web nope-", stdout: 'label "nope" not found.\npod/web not labeled\n' },
    { line: "label pod web app=x", stderr: "error: 'app' already has a value (web), and --overwrite is false\n", code: 1 },
    {
      line: "annotate pod web note=x",
      stderr: "error: --overwrite is false but found the following declared annotation(s): 'note' already has a value (mine)\n",
      code: 1,
    },
    {
      line: "label pod nope web a=b",
      stdout: "pod/web labeled\n",
      stderr: 'Error from server (NotFound): pods "nope" not found\n',
      code: 1,
    },
    { line: "label pods a=b", stderr: "error: resource(s) were provided, but no name was specified\n", code: 1 },
    { line: "label pod web", stderr: "error: at least one label update is required\n", code: 1 },
    {
      line: "annotate pod web a=b a-",
      stderr: "error: can not both modify and remove an annotation in the same command\n",
      code: 1,
    },
    { line: "label pod web a=b c", stderr: "error: all resources must be specified before label changes: c\n", code: 1 },
  ];
  for (const { line, stdout = "", stderr = "", code = 0 } of cases) {
    it(line, async () => assert.deepEqual(await cli.type(line), { code, stdout, stderr }));
  }

  it("refuses a value that is no label's", async () => {
    const { code, stderr } = await cli.run(["label", "pod", "web", "a=b c"]);
    assert.equal(code, 1);
    assert.match(stderr, /^The Pod "web" is invalid: metadata\.labels/);
  });

  it("refuses where the object is at another version", async () => {
    const { code, stderr } = await cli.type("label pod web a=b --resource-version=1");
    assert.equal(code, 1);
    assert.match(stderr, /^Error from server \(Conflict\)/);
  });
});
