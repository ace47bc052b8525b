import assert from "node:assert/strict";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";

describe("podwire taint, cordon and uncordon", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    await cluster.join("node-1", { labels: { zone: "a" } });
    await cluster.join("node-2");
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  /** Without those that the control plane sets itself. */
  const taints = (name: string) =>
    (cluster.node(name)?.spec?.taints ?? [])
      .filter(({ key }) => !key?.startsWith("node.kubernetes.io/"))
      .map(({ key, value, effect }) => `${key}=${value ?? ""}:${effect}`);

  it("sets taints, changes them and takes them away", async () => {
    assert.deepEqual(await cli.type("taint nodes node-1 gpu=yes:NoSchedule"), {
      code: 0,
      stdout: "node/node-1 tainted\n",
      stderr: "",
    });
    assert.deepEqual(taints("node-1"), ["gpu=yes:NoSchedule"]);
    assert.equal((await cli.type("taint node/node-1 gpu=no:NoSchedule --overwrite")).stdout, "node/node-1 modified\n");
    assert.equal((await cli.type("taint node node-1 gpu:NoExecute")).stdout, "node/node-1 tainted\n");
    assert.deepEqual(taints("node-1").sort(), ["gpu=:NoExecute", "gpu=no:NoSchedule"]);
    assert.equal((await cli.type("taint node node-1 gpu:NoExecute-")).stdout, "node/node-1 untainted\n");
    assert.deepEqual(taints("node-1"), ["gpu=no:NoSchedule"]);
    assert.equal((await cli.type("taint node node-1 gpu-")).stdout, "node/node-1 untainted\n");
    assert.deepEqual(taints("node-1"), []);
  });

  it("takes all nodes, or those with a label", async () => {
    assert.equal((await cli.type("taint nodes --all a:NoSchedule")).stdout, "node/node-1 tainted\nnode/node-2 tainted\n");
    assert.equal((await cli.type("taint nodes -l zone=a b:NoSchedule")).stdout, "node/node-1 tainted\n");
  });

  const wrong: readonly (readonly [line: string, stderr: string])[] = [
    ["taint nodes node-1", "error: at least one taint update is required\n"],
    ["taint pods web a:NoSchedule", "error: invalid resource type pods, only node types are supported\n"],
    ["taint nodes a:NoSchedule", "error: resource(s) were provided, but no name was specified\n"],
    [
      "taint nodes node-1 a=b:Never",
      "error: invalid taint effect: Never, unsupported taint effect: want NoSchedule, PreferNoSchedule, NoExecute\n",
    ],
    ["taint nodes node-1 nope-", 'error: taint "nope" not found\n'],
    ["taint nodes nope a:NoSchedule", 'Error from server (NotFound): nodes "nope" not found\n'],
  ];
  for (const [line, stderr] of wrong) {
    it(`refuses ${line}`, async () => assert.deepEqual(await cli.type(line), { code: 1, stdout: "", stderr }));
  }

  it("refuses a taint that is there already", async () => {
    await cli.type("taint nodes node-1 a:NoSchedule");
    assert.deepEqual(await cli.type("taint nodes node-1 a=x:NoSchedule"), {
      code: 1,
      stdout: "",
      stderr: "error: node node-1 already has a taint(s) with same effect(s) and --overwrite is false\n",
    });
  });

  it("cordons nodes and uncordons them", async () => {
    assert.deepEqual(await cli.type("cordon node-1 node-2"), {
      code: 0,
      stdout: "node/node-1 cordoned\nnode/node-2 cordoned\n",
      stderr: "",
    });
    assert.equal(cluster.node("node-1")?.spec?.unschedulable, true);
    assert.equal((await cli.type("cordon node-1")).stdout, "node/node-1 already cordoned\n");
    assert.match((await cli.type("get nodes --no-headers")).stdout, /^node-1 +\S+,SchedulingDisabled /);
    assert.equal((await cli.type("uncordon -l zone=a")).stdout, "node/node-1 uncordoned\n");
    assert.equal(cluster.node("node-1")?.spec?.unschedulable, undefined);
    assert.equal((await cli.type("uncordon nope")).stderr, 'Error from server (NotFound): nodes "nope" not found\n');
  });
});
