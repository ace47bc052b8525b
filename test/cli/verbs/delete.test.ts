import assert from "node:assert/strict";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

describe("podwire delete", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    await cluster.write("create", [podManifest("web", {}, { labels: { app: "web" } }), podManifest("db")]);
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  it("deletes by name, in both forms", async () => {
    assert.deepEqual(await cli.type("delete pod web"), {
      code: 0,
      stdout: 'pod "web" deleted from default namespace\n',
      stderr: "",
    });
    assert.equal((await cli.type("delete pod/db -o name")).stdout, "pod/db\n");
    assert.deepEqual([cluster.pod("web"), cluster.pod("db")], [undefined, undefined]);
  });

  it("deletes by label, and all of a kind", async () => {
    assert.equal((await cli.type("delete pods -l app=web")).stdout, 'pod "web" deleted from default namespace\n');
    assert.equal((await cli.type("delete pods --all")).stdout, 'pod "db" deleted from default namespace\n');
    assert.deepEqual(await cli.type("delete pods --all"), { code: 0, stdout: "No resources found\n", stderr: "" });
  });

  it("deletes ConfigMaps, Secrets and events by name, label, field and all together", async () => {
    const of = (kind: string, name: string, more: object = {}) => ({ apiVersion: "v1", kind, metadata: { name, ...more } });
    const about = { involvedObject: { kind: "Pod", namespace: "default", name: "web" }, reason: "Odd" };
    await cluster.write("create", [
      of("ConfigMap", "a", { labels: { app: "web" } }),
      of("Secret", "a"),
      of("Secret", "b"),
      { ...of("Event", "e"), ...about },
    ]);
    assert.equal((await cli.type("delete cm -l app=web")).stdout, 'configmap "a" deleted from default namespace\n');
    assert.equal((await cli.type("delete secret b")).stdout, 'secret "b" deleted from default namespace\n');
    assert.equal((await cli.type("delete secrets --all")).stdout, 'secret "a" deleted from default namespace\n');
    assert.equal((await cli.type("delete ev --field-selector reason=Odd")).stdout, 'event "e" deleted from default namespace\n');
  });

  it("deletes what a file names", async () => {
    const manifests = [podManifest("db"), { apiVersion: "v1", kind: "Namespace", metadata: { name: "gone" } }];
    const text = manifests.map((manifest) => JSON.stringify(manifest)).join("\n---\n");
    const { code, stdout, stderr } = await cli.run(["delete", "-f", "-"], text);
    assert.deepEqual([code, stdout], [1, 'pod "db" deleted from default namespace\n']);
    assert.equal(stderr, 'Error from server (NotFound): namespaces "gone" not found\n');
    assert.equal(cluster.pod("db"), undefined);
  });

  it("goes on past what doesn't exist, and can be told not to mind", async () => {
    const { code, stdout, stderr } = await cli.type("delete pod nope web");
    assert.deepEqual([code, stdout], [1, 'pod "web" deleted from default namespace\n']);
    assert.equal(stderr, 'Error from server (NotFound): pods "nope" not found\n');
    assert.deepEqual(await cli.type("delete pod nope --ignore-not-found"), { code: 0, stdout: "", stderr: "" });
  });

  it("writes nothing in a dry run", async () => {
    assert.match((await cli.type("delete pod web --dry-run=server")).stdout, /deleted \(server dry run\)/);
    assert.match((await cli.type("delete pod web --dry-run=client")).stdout, /deleted \(dry run\)/);
    assert.equal(cluster.pod("web")?.metadata?.deletionTimestamp, undefined);
  });

  it("returns when the node has ended the pod, and no earlier", async () => {
    const { session } = await cluster.joinReady("node-1");
    await until(() => session.view.pods.size === 2, "both pods on the node");
    const uid = cluster.pod("web")?.metadata?.uid ?? "";
    await using run = cli.start(["delete", "pod", "web"]);
    await run.sees("deleted");
    let over = false;
    void run.result.then(() => {
      over = true;
    });
    await until(() => cluster.pod("web")?.metadata?.deletionTimestamp !== undefined, "the deletion's begin");
    assert.equal(over, false);
    session.report({ name: "web", uid, gone: true });
    assert.equal((await run.result).code, 0);
    assert.equal(cluster.pod("web"), undefined);
  });

  it("returns at once with --wait=false, and says when the time to wait is over", async () => {
    const { session } = await cluster.joinReady("node-1");
    await until(() => session.view.pods.size === 2, "both pods on the node");
    assert.equal((await cli.type("delete pod web --wait=false")).code, 0);
    assert.notEqual(cluster.pod("web"), undefined);
    await using run = cli.start(["delete", "pod", "db", "--timeout=5s"]);
    await run.sees("deleted");
    const late = await until(async () => {
      await cluster.clock.advance(1_000);
      return Promise.race([run.result, undefined]);
    }, "the end of the wait");
    assert.deepEqual([late.code, late.stderr], [1, "error: timed out waiting for the condition on pods/db\n"]);
  });

  it("removes a pod without its node where it is forced to", async () => {
    const { session } = await cluster.joinReady("node-1");
    await until(() => session.view.pods.size === 2, "both pods on the node");
    const { code, stdout, stderr } = await cli.type("delete pod web --grace-period=0 --force");
    assert.deepEqual([code, stdout], [0, 'pod "web" force deleted from default namespace\n']);
    assert.match(stderr, /^Warning: Immediate deletion does not wait/);
    assert.equal(cluster.pod("web"), undefined);
  });

  const graceCases: readonly (readonly [flags: string, seconds: number])[] = [
    ["--now", 1],
    ["--grace-period=0", 1],
    ["--grace-period=7", 7],
    ["--grace-period=-1", 30],
  ];
  for (const [flags, seconds] of graceCases) {
    it(`${flags} gives a pod ${seconds} s`, async () => {
      const { session } = await cluster.joinReady("node-1");
      await until(() => session.view.pods.size === 2, "both pods on the node");
      assert.equal((await cli.type(`delete pod web --wait=false ${flags}`)).code, 0);
      assert.equal(cluster.pod("web")?.metadata?.deletionGracePeriodSeconds, seconds);
    });
  }

  const wrong: readonly (readonly [line: string, stderr: string])[] = [
    ["delete pod", "error: resource(s) were provided, but no name was specified\n"],
    ["delete pod web --all", "error: name cannot be provided when a selector, --all or --all-namespaces is specified\n"],
    ["delete pods --all -l a=b", "error: cannot set --all and a selector at the same time\n"],
    ["delete pod web --now --grace-period=3", "error: --now and --grace-period cannot be specified together\n"],
    [
      "delete pod web --force --grace-period=3",
      "error: --force and --grace-period greater than 0 cannot be specified together\n",
    ],
    ["delete pod web -o json", "error: unexpected -o output mode. We only support '-o name'\n"],
  ];
  for (const [line, stderr] of wrong) {
    it(`refuses ${line}`, async () => assert.deepEqual(await cli.type(line), { code: 1, stdout: "", stderr }));
  }
});
