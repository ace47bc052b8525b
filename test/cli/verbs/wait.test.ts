import assert from "node:assert/strict";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

describe("podwire wait", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    await cluster.write("create", [podManifest("web", {}, { labels: { app: "web" } }), podManifest("db")]);
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  /** A node whose agent says of every pod that it runs, when it is told to. */
  async function withNode(): Promise<(name: string) => void> {
    const { session } = await cluster.joinReady("node-1");
    await until(() => session.view.pods.size === 2, "both pods on the node");
    return (name) => {
      const pod = cluster.pod(name);
      assert.ok(pod);
      session.reportRunning(pod);
    };
  }

  /** Runs the time of the cluster and of the CLI until the run ends. */
  async function hurry(run: { readonly result: Promise<{ code: number; stdout: string; stderr: string }> }) {
    return until(async () => {
      await cluster.clock.advance(1_000);
      return Promise.race([run.result, undefined]);
    }, "the end of the wait");
  }

  it("returns when every object has the condition, and says so of each", async () => {
    const makeRun = await withNode();
    await using run = cli.start(["wait", "--for=condition=Ready", "pods", "--all"]);
    makeRun("web");
    await run.sees("pod/web condition met");
    assert.doesNotMatch(run.stdout, /db/);
    makeRun("db");
    assert.deepEqual(await run.result, { code: 0, stdout: "pod/web condition met\npod/db condition met\n", stderr: "" });
  });

  it("takes a status, in any case", async () => {
    const makeRun = await withNode();
    makeRun("web");
    assert.equal((await cli.type("wait --for=condition=ready=TRUE pod/web")).code, 0);
  });

  it("names what didn't come in time", async () => {
    await using run = cli.start(["wait", "--for=condition=Ready", "pod/web", "pod/db", "--timeout=5s"]);
    assert.deepEqual(await hurry(run), {
      code: 1,
      stdout: "",
      stderr: "error: timed out waiting for the condition on pods/web\nerror: timed out waiting for the condition on pods/db\n",
    });
  });

  it("looks once where the time is 0", async () => {
    const { code, stderr } = await cli.type("wait --for=condition=Ready pod/web --timeout=0");
    assert.deepEqual([code, stderr], [1, "error: timed out waiting for the condition on pods/web\n"]);
  });

  it("fails at once for what doesn't exist, and for what goes while it waits", async () => {
    const missing = await cli.type("wait --for=condition=Ready pod/nope");
    assert.deepEqual(missing, { code: 1, stdout: "", stderr: 'Error from server (NotFound): pods "nope" not found\n' });
    await using run = cli.start(["wait", "--for=condition=Ready", "pod/web", "--timeout=-1s"]);
    await cluster.delete("Pod", "web", { namespace: "default", gracePeriodSeconds: 0 });
    assert.equal((await run.result).stderr, 'Error from server (NotFound): pods "web" not found\n');
  });

  it("waits until an object is gone; one that never was is gone already", async () => {
    await using run = cli.start(["wait", "--for=delete", "pod/web"]);
    await cluster.delete("Pod", "web", { namespace: "default", gracePeriodSeconds: 0 });
    assert.deepEqual(await run.result, { code: 0, stdout: "pod/web condition met\n", stderr: "" });
    assert.equal((await cli.type("wait --for=delete pod/web")).code, 0);
    assert.deepEqual(await cli.type("wait --for=delete pods -l app=none"), { code: 0, stdout: "", stderr: "" });
  });

  it("waits until an object exists", async () => {
    await using run = cli.start(["wait", "--for=create", "pod/new"]);
    await cluster.write("create", podManifest("new"));
    assert.deepEqual(await run.result, { code: 0, stdout: "pod/new condition met\n", stderr: "" });
  });

  it("waits for a value, or for any, at a JSONPath", async () => {
    const makeRun = await withNode();
    await using phase = cli.start(["wait", "--for=jsonpath={.status.phase}=Running", "pod/web"]);
    await using address = cli.start(["wait", "--for=jsonpath=.status.podIP", "pod/web"]);
    makeRun("web");
    assert.equal((await phase.result).code, 0);
    assert.equal((await address.result).code, 0);
    const quoted = await cli.run([
      "wait",
      "--for=jsonpath={.status.containerStatuses[?(@.name=='main')].ready}='true'",
      "pod/web",
    ]);
    assert.equal(quoted.code, 0);
  });

  it("ends when it is interrupted", async () => {
    await using run = cli.start(["wait", "--for=condition=Ready", "pod/web"]);
    run.interrupt();
    assert.deepEqual(await run.result, { code: 130, stdout: "", stderr: "" });
  });

  const wrong: readonly (readonly [line: string, stderr: RegExp])[] = [
    ["wait pod/web", /^error: --for is missing/],
    ["wait --for=soon pod/web", /^error: unrecognized condition: "soon"/],
    ["wait --for=jsonpath={.a pod/web", /^error: .*jsonpath/],
    ["wait --for=jsonpath={.a}= pod/web", /^error: jsonpath wait has to have a value after equal sign/],
    ["wait --for=delete pods", /^error: resource\(s\) were provided, but no name was specified/],
    ["wait --for=delete pod/web --all", /^error: name cannot be provided when a selector or --all is specified/],
    ["wait --for=condition=Ready pods -l app=none", /^error: no matching resources found/],
    ["wait --for=delete pod/web --timeout=30", /^error: invalid argument "30" for "--timeout" flag/],
  ];
  for (const [line, stderr] of wrong) {
    it(`refuses ${line}`, async () => {
      const result = await cli.type(line);
      assert.deepEqual([result.code, result.stdout], [1, ""]);
      assert.match(result.stderr, stderr);
    });
  }
});
