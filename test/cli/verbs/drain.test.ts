import assert from "node:assert/strict";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import type { FakeSession } from "../../support/fake-agent.ts";
import { until } from "../../support/until.ts";

describe("podwire drain", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  let session: FakeSession;
  beforeEach(async () => {
    cluster = await startTestCluster({ heartbeatTimeoutMs: 600_000 });
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    ({ session } = await cluster.joinReady("node-1", { labels: { zone: "a" } }));
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  /** Running pods that something controls. */
  async function run(...names: string[]): Promise<void> {
    const [owner] = await cluster.write("apply", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "owner" } });
    const uid = owner?.object?.object?.value.metadata?.uid;
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid, controller: true }];
    const labels = { app: "web" };
    await cluster.write(
      "create",
      names.map((name) => podManifest(name, { nodeName: "node-1" }, { labels, ownerReferences })),
    );
    await until(() => session.view.pods.size >= names.length, "scheduled");
    for (const name of names) session.reportRunning(cluster.pod(name) ?? assert.fail());
    await until(() => names.every((name) => cluster.pod(name)?.status?.phase === "Running"), "running");
  }

  const isEnding = (name: string) => cluster.pod(name)?.metadata?.deletionTimestamp !== undefined;
  /** As the agent says when it has ended a pod. */
  async function end(name: string): Promise<void> {
    await until(() => isEnding(name), `the end of ${name}`);
    session.report({ name, uid: cluster.pod(name)?.metadata?.uid ?? "", gone: true });
  }
  const budget = (minAvailable: number) =>
    cluster.write("apply", {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "web" },
      spec: { minAvailable, selector: { matchLabels: { app: "web" } } },
    });

  it("cordons a node, evicts its pods and returns when they are gone", async () => {
    await run("web");
    await using drain = cli.start(["drain", "node-1", "--grace-period", "5"]);
    await drain.sees("evicting pod default/web\n");
    await end("web");
    assert.deepEqual(await drain.result, {
      code: 0,
      stdout: "node/node-1 cordoned\nevicting pod default/web\npod/web evicted\nnode/node-1 drained\n",
      stderr: "",
    });
    assert.equal(cluster.node("node-1")?.spec?.unschedulable, true);
    assert.equal((await cli.type("drain -l zone=a")).stdout, "node/node-1 already cordoned\nnode/node-1 drained\n");
    assert.equal((await cli.type("uncordon node-1")).stdout, "node/node-1 uncordoned\n");
  });

  it("asks again after five seconds where a budget refuses", async () => {
    await run("a");
    await budget(1);
    await using drain = cli.start(["drain", "node-1"]);
    await until(() => drain.stderr.includes("will retry"), "a refusal");
    assert.equal(
      drain.stderr,
      `error when evicting pods/"a" -n "default" (will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget. The disruption budget web needs 1 healthy pods and has 1 currently\n`,
    );
    assert.equal(isEnding("a"), false);
    await budget(0);
    const allowed = () =>
      (cluster.store.get("poddisruptionbudgets/default/web")?.value as { status: { disruptionsAllowed?: number } } | undefined)
        ?.status.disruptionsAllowed;
    await until(() => allowed() === 1, "allowed");
    await cluster.clock.advance(5_000);
    await end("a");
    const { code, stdout } = await drain.result;
    assert.deepEqual([code, stdout.match(/evicting/g)?.length], [0, 2]);
  });

  it("gives up after its timeout, and says what is left", async () => {
    await run("a");
    await budget(1);
    await using drain = cli.start(["drain", "node-1", "--timeout", "3s"]);
    await until(() => drain.stderr.includes("will retry"), "a refusal");
    await cluster.clock.advance(3_000);
    const { code, stderr } = await drain.result;
    assert.equal(code, 1);
    assert.deepEqual(stderr.split("\n").slice(1), [
      'There are pending pods in node "node-1" when an error occurred: global timeout reached: 3s',
      "pod/a",
      'error: unable to drain node "node-1" due to error: global timeout reached: 3s, continuing command...',
      "There are pending nodes to be drained:",
      " node-1",
      "error: global timeout reached: 3s",
      "",
    ]);
  });

  it("touches nothing where something must be allowed first, and says what", async () => {
    await run("web");
    await cluster.write("create", podManifest("bare", { nodeName: "node-1" }));
    const why = "cannot delete Pods that declare no controller (use --force to override): default/bare";
    assert.deepEqual(await cli.type("drain node-1"), {
      code: 1,
      stdout: "node/node-1 cordoned\n",
      stderr: `error: unable to drain node "node-1" due to error: ${why}, continuing command...\nThere are pending nodes to be drained:\n node-1\nerror: ${why}\n`,
    });
    assert.equal(isEnding("web"), false);
    await using drain = cli.start(["drain", "node-1", "--force", "--pod-selector", "app!=web"]);
    await end("bare");
    assert.equal((await drain.result).stderr, "Warning: deleting Pods that declare no controller: default/bare\n");
    assert.equal(isEnding("web"), false);
  });

  for (const [mode, suffix] of [
    ["client", "(dry run)"],
    ["server", "(server dry run)"],
  ] as const) {
    it(`changes nothing with --dry-run=${mode}`, async () => {
      await run("web");
      assert.deepEqual(await cli.type(`drain node-1 --dry-run=${mode}`), {
        code: 0,
        stdout: `node/node-1 cordoned ${suffix}\nevicting pod default/web ${suffix}\nnode/node-1 drained ${suffix}\n`,
        stderr: "",
      });
      assert.deepEqual([cluster.node("node-1")?.spec?.unschedulable, isEnding("web")], [undefined, false]);
    });
  }

  it("refuses a node that isn't there", async () => {
    assert.deepEqual(await cli.type("drain nope"), {
      code: 1,
      stdout: "",
      stderr: 'Error from server (NotFound): nodes "nope" not found\n',
    });
  });
});
