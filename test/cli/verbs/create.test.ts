import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";

describe("podwire create KIND NAME and run", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  let folder: string;
  const json = async (kind: string, name: string, namespace = "default") =>
    JSON.parse((await cli.run(["get", kind, name, "-n", namespace, "-o", "json"])).stdout);
  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    folder = await mkdtemp(join(tmpdir(), "podwire-create-"));
  });
  afterEach(async () => {
    await cluster[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it("creates a namespace, and objects in it", async () => {
    assert.deepEqual(await cli.type("create ns shop"), { code: 0, stdout: "namespace/shop created\n", stderr: "" });
    assert.equal((await cli.type("create cm empty -n shop")).stdout, "configmap/empty created\n");
    assert.equal((await json("cm", "empty", "shop")).metadata.namespace, "shop");
  });

  it("takes keys from words, files, folders and files of variables", async () => {
    await mkdir(join(folder, "conf"));
    await writeFile(join(folder, "conf", "a.conf"), "a = 1\n");
    await writeFile(join(folder, "conf", "bytes"), Buffer.from([0xff, 0x00]));
    await writeFile(join(folder, "vars.env"), "# variables\n\nA=1\n  B=two words\nC=\n");
    const argv = ["create", "configmap", "one", "--from-literal=mode=te=st", `--from-file=${folder}/conf`];
    assert.equal((await cli.run([...argv, `--from-file=other=${folder}/conf/a.conf`])).stdout, "configmap/one created\n");
    const { data, binaryData } = await json("cm", "one");
    assert.deepEqual(data, { mode: "te=st", "a.conf": "a = 1\n", other: "a = 1\n" });
    assert.deepEqual(binaryData, { bytes: "/wA=" });
    await cli.run(["create", "cm", "two", `--from-env-file=${folder}/vars.env`]);
    assert.deepEqual((await json("cm", "two")).data, { A: "1", B: "two words", C: "" });
  });

  it("creates a Secret and prints none of it", async () => {
    const created = await cli.type("create secret generic password --from-literal=p=geheim --type=example.com/one");
    assert.deepEqual(created, { code: 0, stdout: "secret/password created\n", stderr: "" });
    const { data, type } = await json("secret", "password");
    assert.deepEqual([data, type], [{ p: Buffer.from("geheim").toString("base64") }, "example.com/one"]);
    assert.doesNotMatch((await cli.type("describe secret password")).stdout, /geheim|Z2VoZWlt/);
  });

  it("prints a manifest in a dry run of the client, without a cluster", async () => {
    const alone = createTestCli();
    const { code, stdout } = await alone.type("create cm settings -n shop --from-literal=a=1 --dry-run=client -o yaml");
    assert.equal(code, 0);
    assert.equal(stdout, 'apiVersion: v1\ndata:\n  a: "1"\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\n');
    assert.equal((await alone.type("create ns shop --dry-run=client")).stdout, "namespace/shop created (dry run)\n");
  });

  it("runs a pod of an image", async () => {
    const line = "run web --image=podwire/toolbox --env=A=1 --env=B=x=y --port=8080 --restart=Never --command -- sleep inf";
    assert.deepEqual(await cli.type(line), { code: 0, stdout: "pod/web created\n", stderr: "" });
    const { metadata, spec } = await json("pod", "web");
    assert.deepEqual(metadata.labels, { run: "web" });
    const [container] = spec.containers;
    assert.deepEqual([container.name, container.command, spec.restartPolicy], ["web", ["sleep", "inf"], "Never"]);
    assert.deepEqual(container.env, [
      { name: "A", value: "1" },
      { name: "B", value: "x=y" },
    ]);
    assert.equal(container.ports[0].containerPort, 8080);
    await cli.type("run db --image=podwire/toolbox -l app=db,tier=back --annotations=note=x -- one two");
    const db = await json("pod", "db");
    assert.deepEqual([db.metadata.labels, db.metadata.annotations], [{ app: "db", tier: "back" }, { note: "x" }]);
    assert.deepEqual(db.spec.containers[0].args, ["one", "two"]);
  });

  const wrong: readonly (readonly [line: string, stderr: RegExp])[] = [
    ["create", /^error: must specify -f FILE/],
    ["create cm", /^error: exactly one NAME is required, got 0/],
    ["create cm a b", /^error: exactly one NAME is required, got 2/],
    ["create pod web", /^error: Unexpected args: \[pod web\]/],
    ["create secret tls x", /^error: want: create secret generic NAME/],
    ["create cm x --from-literal=a", /^error: invalid literal source a, expected key=value/],
    ["create cm x --from-literal=a=1 --from-literal=a=2", /^error: cannot add key "a", another key by that name already exists/],
    ["create cm x --from-literal=a/b=1", /^error: "a\/b" is not a valid key name: must consist of/],
    ["create cm x --from-file=/nonexistent", /^error: error reading \/nonexistent: ENOENT/],
    ["create cm x --from-file=a=", /^error: file path for key name a missing/],
    [
      "create cm x --from-env-file=x --from-literal=a=1",
      /^error: from-env-file cannot be combined with from-file or from-literal/,
    ],
    ["create ns default", /^Error from server \(AlreadyExists\): namespaces "default" already exists/],
    ["create ns Bad", /^The Namespace "Bad" is invalid: metadata\.name: Invalid value/],
    ["run", /^error: NAME is required for run/],
    ["run web", /^error: required flag\(s\) "image" not set/],
    ["run web --image=x --restart=Sometimes", /^error: invalid argument "Sometimes" for "--restart" flag/],
    ["run web --image=x --env=A", /^error: invalid env: A/],
    ["run web --image=x --labels=a", /^error: unexpected label format: "a", want KEY=VALUE/],
    ["run web --image=x --command", /^error: --command wants the command's words behind --/],
  ];
  for (const [line, want] of wrong) {
    it(`refuses ${line}`, async () => {
      const { code, stdout, stderr } = await cli.type(line);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, want);
    });
  }
});
