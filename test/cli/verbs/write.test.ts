import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";

const pod = (name: string, more = "") => `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec: {containers: [{name: main, image: podwire/toolbox, command: [sleep, inf]${more}}]}
`;

describe("podwire apply and create", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  let folder: string;
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    folder = await mkdtemp(join(tmpdir(), "podwire-apply-"));
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it("says of each object whether it was created, configured or unchanged", async () => {
    const path = await file("a.yaml", `${pod("web")}---\n${pod("db")}`);
    assert.deepEqual(await cli.run(["apply", "-f", path]), { code: 0, stdout: "pod/web created\npod/db created\n", stderr: "" });
    assert.equal((await cli.run(["apply", "-f", path])).stdout, "pod/web unchanged\npod/db unchanged\n");
    await file("a.yaml", `${pod("web").replace("{name: web}", "{name: web, labels: {a: b}}")}---\n${pod("db")}`);
    assert.equal((await cli.run(["apply", "-f", path])).stdout, "pod/web configured\npod/db unchanged\n");
    assert.deepEqual(cluster.pod("web")?.metadata?.labels, { a: "b" });
  });

  it("reads standard input, folders, JSON and lists", async () => {
    assert.equal((await cli.run(["apply", "-f", "-"], pod("one"))).stdout, "pod/one created\n");
    await mkdir(join(folder, "deep"));
    await file(
      "b.json",
      JSON.stringify({
        apiVersion: "v1",
        kind: "List",
        items: [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }],
      }),
    );
    await file("a.yml", pod("two"));
    await file("notes.txt", "no manifest: [");
    await file("deep/c.yaml", pod("three"));
    assert.equal((await cli.run(["apply", "-f", folder])).stdout, "pod/two created\nnamespace/shop created\n");
    assert.equal(
      (await cli.run(["apply", "-R", "-f", folder])).stdout,
      "pod/two unchanged\nnamespace/shop unchanged\npod/three created\n",
    );
  });

  it("changes nothing where one document of several is wrong, and names file, document and path of every mistake", async () => {
    const wrong = pod("Bad_Name").replace("podwire/toolbox", "3, ports: eight");
    const path = await file("a.yaml", `${pod("web")}---\n${wrong}---\nkind: Nope\napiVersion: v1\nmetadata: {name: x}\n`);
    const { code, stdout, stderr } = await cli.run(["apply", "-f", path]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /a\.yaml, document 2: .*metadata\.name.*Bad_Name/);
    assert.match(stderr, /a\.yaml, document 2: .*spec\.containers\[0\]\.ports/);
    assert.match(stderr, /a\.yaml, document 3: .*Nope/);
    assert.equal(cluster.pod("web"), undefined);
  });

  it("names file, document and line of what is no YAML, and sends nothing", async () => {
    const path = await file("a.yaml", `${pod("web")}---\na: b: c\n`);
    const { code, stderr } = await cli.run(["apply", "-f", path]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: .*a\.yaml, document 2, line 6: Nested mappings/);
    assert.equal(cluster.pod("web"), undefined);
  });

  it("warns of unknown fields; with --validate=strict they are errors", async () => {
    const path = await file("a.yaml", pod("web", ", colour: red"));
    const strict = await cli.run(["apply", "-f", path, "--validate=strict"]);
    assert.equal(strict.code, 1);
    assert.match(strict.stderr, /unknown field "spec\.containers\[0\]\.colour"/);
    const { code, stdout, stderr } = await cli.run(["apply", "-f", path]);
    assert.deepEqual([code, stdout], [0, "pod/web created\n"]);
    assert.match(stderr, /^Warning: unknown field "spec\.containers\[0\]\.colour"/);
  });

  it("writes nothing in a dry run", async () => {
    const path = await file("a.yaml", pod("web"));
    assert.equal((await cli.run(["apply", "-f", path, "--dry-run=server"])).stdout, "pod/web created (server dry run)\n");
    assert.equal((await cli.run(["apply", "-f", path, "--dry-run=client"])).stdout, "pod/web created (dry run)\n");
    assert.equal(cluster.pod("web"), undefined);
  });

  it("refuses a namespace on the command line other than the manifest's", async () => {
    const path = await file("a.yaml", pod("web").replace("{name: web}", "{name: web, namespace: shop}"));
    const { code, stderr } = await cli.run(["apply", "-n", "default", "-f", path]);
    assert.equal(code, 1);
    assert.match(stderr, /the namespace from the provided object "shop" does not match the namespace "default"/);
  });

  it("replaces objects whole, and only those that exist", async () => {
    const path = await file("a.yaml", pod("web").replace("{name: web}", "{name: web, labels: {a: b}}"));
    assert.match((await cli.run(["replace", "-f", path])).stderr, /^Error from server \(NotFound\): pods "web" not found/);
    await cli.run(["create", "-f", path]);
    await file("a.yaml", pod("web").replace("{name: web}", "{name: web, annotations: {c: d}}"));
    assert.deepEqual(await cli.run(["replace", "-f", path]), { code: 0, stdout: "pod/web replaced\n", stderr: "" });
    const { labels = {}, annotations } = cluster.pod("web")?.metadata ?? {};
    assert.deepEqual([labels, annotations], [{}, { c: "d" }]);
    await file("a.yaml", pod("web").replace("{name: web}", "{name: web, resourceVersion: '1'}"));
    assert.match((await cli.run(["replace", "-f", path])).stderr, /^Error from server \(Conflict\)/);
  });

  it("does to the objects that a file names what it would do to those of the command line", async () => {
    await cli.run(["create", "ns", "shop"]);
    const path = await file("a.yaml", `${pod("web")}---\n${pod("db").replace("{name: db}", "{name: db, namespace: shop}")}`);
    await cli.run(["apply", "-f", path]);
    assert.equal((await cli.run(["get", "-f", path, "-o", "name"])).stdout, "pod/web\npod/db\n");
    assert.match((await cli.run(["describe", "-f", path])).stdout, /^Name: +web\n[\s\S]*\nName: +db\nNamespace: +shop\n/);
    assert.equal((await cli.run(["label", "-f", path, "a=b"])).stdout, "pod/web labeled\npod/db labeled\n");
    assert.equal(
      (await cli.run(["patch", "-f", path, "-p", "metadata: {labels: {a: c}}"])).stdout,
      "pod/web patched\npod/db patched\n",
    );
    assert.equal((await cli.run(["wait", "-f", path, "--for=create"])).stdout, "pod/web condition met\npod/db condition met\n");
    assert.equal(cluster.pod("db", "shop")?.metadata?.labels.a, "c");
    const both = await cli.run(["get", "pods", "-f", path]);
    assert.match(both.stderr, /^error: when paths or stdin is provided as resource input/);
  });

  it("creates what is new, refuses what exists, and prints what it made", async () => {
    const path = await file("a.yaml", pod("web"));
    assert.equal((await cli.run(["create", "-f", path, "-o", "jsonpath={.metadata.name}"])).stdout, "web");
    const again = await cli.run(["create", "-f", path]);
    assert.deepEqual(again, { code: 1, stdout: "", stderr: 'Error from server (AlreadyExists): pods "web" already exists\n' });
  });

  const wrongLines: readonly (readonly [argv: readonly string[], stderr: RegExp])[] = [
    [["apply"], /^error: must specify -f FILE/],
    [["apply", "a.yaml"], /^error: Unexpected args: \[a\.yaml\]: apply takes files: -f a\.yaml/],
    [["apply", "-f", "/nonexistent.yaml"], /^error: the path "\/nonexistent\.yaml" does not exist/],
    [["apply", "-f", "https://example.com/x.yaml"], /^error: .*reads files only/],
    [["apply", "-f", "-"], /^error: no objects passed to apply/],
    [["apply", "-f", "-", "-f", "-"], /^error: -f - may be given once/],
    [["apply", "-f", "-", "--dry-run=maybe"], /^error: invalid argument "maybe" for "--dry-run" flag/],
    [["apply", "-f", "-", "--validate=loosely"], /^error: invalid argument "loosely" for "--validate" flag/],
    [["create", "-f", "-", "-o", "wide"], /^error: unable to match a printer suitable for the output format "wide"/],
  ];
  for (const [argv, want] of wrongLines) {
    it(`refuses ${argv.join(" ")}`, async () => {
      const { code, stdout, stderr } = await cli.run(argv, "# nothing\n");
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, want);
    });
  }

  it("says that manifests are too large for one call before it sends them", async () => {
    const path = await file(
      "a.yaml",
      pod("web").replace("{name: web}", `{name: web, annotations: {a: ${"x".repeat(5 * 1024 * 1024)}}}`),
    );
    const { code, stderr } = await cli.run(["apply", "-f", path]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: the manifests are 5\.0 MiB together; one call takes at most 3 MiB/);
  });
});
