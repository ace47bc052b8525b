import assert from "node:assert/strict";
import type { Deployment } from "#proto/podwire/v1/resources.ts";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { type FakeKubelet, startFakeKubelet } from "../../support/fake-kubelet.ts";
import { until } from "../../support/until.ts";

const image = (tag: string) => `registry.k8s.io/e2e-test-images/agnhost:${tag}`;

function manifest(replicas: number | undefined, tag: string, spec: object = {}): object {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: image(tag) }] } };
  const metadata = { name: "web", annotations: { "kubernetes.io/change-cause": `to ${tag}` } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: { replicas, selector: { matchLabels: labels }, template, ...spec },
  };
}

describe("a Deployment on the command line", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  let kubelet: FakeKubelet;
  let runs: (tag: string) => boolean;
  beforeEach(async () => {
    runs = () => true;
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    const { session } = await cluster.joinReady("node-1");
    kubelet = startFakeKubelet(session, { runs: ({ spec }) => runs(spec?.containers[0]?.image?.split(":")[1] ?? "") });
    await cluster.write("apply", manifest(3, "1"));
    await isDone();
  });
  afterEach(async () => {
    await kubelet[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const deployment = () => cluster.store.get("deployments/default/web")?.value as Deployment;
  const isDone = () =>
    until(() => {
      const { metadata, spec, status } = deployment();
      const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas];
      return counts.every((count) => count === spec?.replicas) && status?.observedGeneration === metadata?.generation;
    }, "the end of the rollout");
  const tag = () => deployment().spec?.template?.spec?.containers[0]?.image?.split(":")[1];

  it("is listed as kubectl lists it, with its ReplicaSet and the images where it is asked for", async () => {
    const wide = (await cli.type("get deploy -o wide")).stdout.replaceAll(/ +/g, " ");
    assert.match(
      wide,
      /^NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR\nweb 3\/3 3 3 \S+ web \S+agnhost:1 app=web\n$/,
    );
    const sets = (await cli.type("get rs")).stdout.replaceAll(/ +/g, " ");
    assert.match(sets, /^NAME DESIRED CURRENT READY AGE\nweb-[a-z0-9]+ 3 3 3 \S+\n$/);
  });

  it("says how far its rollout is until it is done", async () => {
    assert.equal((await cli.type("rollout status deploy/web")).stdout, 'deployment "web" successfully rolled out\n');
    runs = () => false;
    assert.equal((await cli.type(`set image deploy/web web=${image("2")}`)).stdout, "deployment.apps/web image updated\n");
    await using run = cli.start(["rollout", "status", "deploy/web"]);
    await run.sees('Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...\n');
    runs = () => true;
    kubelet.reconsider();
    const { code, stdout } = await run.result;
    assert.equal(code, 0);
    assert.match(stdout, /\ndeployment "web" successfully rolled out\n$/);
    assert.equal(
      (await cli.type("rollout status deploy/web --revision=1")).stderr,
      "error: desired revision (1) is different from the running revision (2)\n",
    );
  });

  it("says that a rollout is late, and fails then", async () => {
    runs = (wanted) => wanted === "1";
    await cli.type(`set image deploy/web *=${image("broken")}`);
    await using run = cli.start(["rollout", "status", "deploy/web"]);
    await run.sees("Waiting for deployment");
    await cluster.clock.advance(601_000);
    const { code, stderr } = await run.result;
    assert.deepEqual([code, stderr], [1, 'error: deployment "web" exceeded its progress deadline\n']);
  });

  it("keeps a history, and goes back in it", async () => {
    await cluster.write("apply", manifest(3, "2"));
    await isDone();
    await until(async () => (await cli.type("get rs -o name")).stdout.split("\n").length === 3, "both sets");
    assert.equal(
      (await cli.type("rollout history deploy/web")).stdout,
      "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         to 1\n2         to 2\n\n",
    );
    const first = (await cli.type("rollout history deploy web --revision=1")).stdout;
    assert.match(first, /^deployment\.apps\/web with revision #1\nPod Template:\n {2}Labels:\s+app=web\n\s+pod-template-hash=/);
    assert.match(first, /Image:\s+\S+agnhost:1\n/);
    assert.equal(
      (await cli.type("rollout history deploy/web --revision=9")).stderr,
      "error: unable to find the specified revision\n",
    );
    assert.equal((await cli.type("rollout undo deploy/web")).stdout, "deployment.apps/web rolled back\n");
    await isDone();
    assert.equal(tag(), "1");
    assert.equal(deployment().metadata?.annotations["kubernetes.io/change-cause"], "to 1");
    assert.equal(
      (await cli.type("rollout undo deploy/web --to-revision=3")).stdout,
      "deployment.apps/web skipped rollback (current template already matches revision 3)\n",
    );
    assert.equal(
      (await cli.type("rollout undo deploy/web --to-revision=7")).stderr,
      "error: unable to find specified revision 7 in history\n",
    );
  });

  it("waits while it is paused", async () => {
    assert.equal((await cli.type("rollout pause deploy/web")).stdout, "deployment.apps/web paused\n");
    assert.equal((await cli.type("rollout pause deploy/web")).stderr, 'error: deployments.apps "web" is already paused\n');
    assert.match((await cli.type("rollout undo deploy/web")).stderr, /^error: you cannot rollback a paused deployment/);
    assert.match(
      (await cli.type("rollout restart deploy/web")).stderr,
      /can't restart paused deployment \(run rollout resume first\)\n$/,
    );
    await cli.type(`set image deploy/web web=${image("2")}`);
    await until(() => deployment().status?.observedGeneration === deployment().metadata?.generation, "the controller's look");
    assert.equal(deployment().status?.updatedReplicas, 0);
    assert.equal((await cli.type("rollout resume deploy/web")).stdout, "deployment.apps/web resumed\n");
    assert.equal((await cli.type("rollout resume deploy/web")).stderr, 'error: deployments.apps "web" is not paused\n');
    await isDone();
  });

  it("refuses a proof that can't be", async () => {
    assert.match((await cli.type("rollout prove deploy/web --rps=0")).stderr, /^error: --rps must be between 1 and 2000\n$/);
    assert.match(
      (await cli.type("rollout prove deploy/web --set replicas=2")).stderr,
      /^error: --set replicas=2: want image=IMAGE\n$/,
    );
    assert.match(
      (await cli.type("rollout prove deploy/web")).stderr,
      /^error: no Service with an address is in front of deployment "web": make one/,
    );
    await cli.type("rollout pause deploy/web");
    assert.match(
      (await cli.type("rollout prove deploy/web")).stderr,
      /^error: deployment\.apps\/web is paused: run rollout resume first\n$/,
    );
  });

  it("replaces its pods by new ones of the same kind", async () => {
    const before = cluster.store.list("pods/default/").entries.map(({ key }) => key);
    assert.equal((await cli.type("rollout restart deploy/web")).stdout, "deployment.apps/web restarted\n");
    await isDone();
    await until(() => cluster.store.list("pods/default/").entries.every(({ key }) => !before.includes(key)), "other pods");
  });

  it("is scaled, and an apply that says no size keeps it", async () => {
    assert.equal((await cli.type("scale deploy/web --replicas 5")).stdout, "deployment.apps/web scaled\n");
    await isDone();
    const applied = async (replicas: number | undefined) => {
      await cluster.write("apply", manifest(replicas, "1"));
      return deployment().spec?.replicas;
    };
    assert.equal(await applied(3), 3);
    assert.equal(
      (await cli.type("scale deploy/web --current-replicas=4 --replicas=5")).stderr,
      "error: Expected replicas to be 4, was 3\n",
    );
    assert.equal((await cli.type("scale deploy/web")).stderr, 'error: required flag(s) "replicas" not set\n');
    assert.match((await cli.type("scale deploy/web --replicas=-1")).stderr, /COUNT must be greater than or equal to 0/);
    assert.match((await cli.type("scale node/node-1 --replicas=1")).stderr, /^error: cannot scale nodes/);
  });

  it("names what can't be set", async () => {
    assert.equal((await cli.type("set image deploy/web db=x")).stderr, 'error: unable to find container named "db"\n');
    assert.equal((await cli.type("set image deploy/web")).stderr, "error: at least one image update is required\n");
    assert.match(
      (await cli.type("rollout forward deploy/web")).stderr,
      /^error: there is no "rollout forward": want one of history, /,
    );
  });

  it("leaves its ReplicaSets and pods where it is deleted alone", async () => {
    assert.equal((await cli.type("delete deploy/web --cascade=orphan")).code, 0);
    assert.equal((await cli.type("get rs -o name")).stdout.split("\n").length, 2);
    assert.equal(cluster.store.list("pods/default/").entries.length, 3);
    await cluster.write("create", manifest(3, "1"));
    await until(() => (deployment().status?.availableReplicas ?? 0) === 3, "its return");
    assert.equal((await cli.type("get rs -o name")).stdout.split("\n").length, 2, "the set that was there");
    assert.equal((await cli.type("delete deploy/web --cascade=foreground")).code, 0);
    assert.equal(cluster.store.list("pods/default/").entries.length, 0);
    assert.match((await cli.type("delete deploy/web --cascade=soon")).stderr, /must be "background", "foreground", or "orphan"/);
  });

  it("keeps its size where what is applied has never named one", async () => {
    await cli.type("delete deploy/web");
    await cluster.write("apply", manifest(undefined, "1"));
    await cli.type("scale deploy/web --replicas=4");
    await cluster.write("apply", manifest(undefined, "2"));
    assert.equal(deployment().spec?.replicas, 4);
  });

  it("is exposed by its selector", async () => {
    assert.equal((await cli.type("expose deploy/web --port=80 --target-port=8080")).code, 0);
    const service = cluster.store.get("services/default/web")?.value as { spec: { selector: object } };
    assert.deepEqual(service.spec.selector, { app: "web" });
  });

  it("refuses another selector", async () => {
    const labels = { app: "web", tier: "a" };
    const other = manifest(3, "1", { selector: { matchLabels: labels } }) as { spec: { template: { metadata: object } } };
    other.spec.template.metadata = { labels };
    const { stderr } = await cli.run(["apply", "-f", "-"], JSON.stringify(other));
    assert.match(stderr, /Deployment "web" is invalid: spec\.selector: Invalid value: .*: field is immutable/);
  });

  it("is described with its versions and what happened", async () => {
    const { stdout } = await cli.type("describe deploy web");
    const text = stdout.replaceAll(/web-[a-z0-9]{8,10}/g, "web-HASH");
    for (const line of [
      "Replicas:               3 desired | 3 updated | 3 total | 3 available | 0 unavailable\n",
      "RollingUpdateStrategy:  25% max unavailable, 25% max surge\n",
      "  Progressing    True    NewReplicaSetAvailable\n",
      "NewReplicaSet:   web-HASH (3/3 replicas created)\n",
      "Scaled up replica set web-HASH from 0 to 3\n",
    ]) {
      assert.ok(text.includes(line), `${text}\nhas no ${line}`);
    }
    assert.match(
      (await cli.type("describe rs")).stdout,
      /Replicas:\s+3 current \/ 3 desired\nPods Status:\s+3 Running \/ 0 Waiting/,
    );
  });
});
