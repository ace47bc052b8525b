import assert from "node:assert/strict";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

describe("podwire describe", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  before(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", [podManifest("web", {}, { labels: { app: "web" } }), podManifest("db")]);
    await until(() => session.view.pods.size === 2, "both pods on the node");
  });
  after(() => cluster[Symbol.asyncDispose]());

  it("shows a pod", async () => {
    const { code, stdout, stderr } = await cli.type("describe pod web");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^Name: +web\nNamespace: +default\n/);
    assert.match(stdout, /^Node: +node-1\//m);
  });

  it("shows a node with its pods", async () => {
    const { stdout } = await cli.type("describe node/node-1");
    assert.match(stdout, /^PodCIDR: +10\.244\.0\.0\/24$/m);
    assert.match(stdout, /^Non-terminated Pods: +\(2 in total\)\n.*\n.*\n {2}default +db .*\n {2}default +web /m);
  });

  it("parts several objects by empty lines", async () => {
    const { stdout } = await cli.type("describe pods");
    assert.deepEqual(
      stdout.match(/^Name: +\S+/gm)?.map((line) => line.split(/ +/)[1]),
      ["db", "web"],
    );
    assert.match(stdout, /\n\n\nName: +web\n/);
    assert.equal((await cli.type("describe pods -l app=web")).stdout.match(/^Name:/gm)?.length, 1);
  });

  it("ends with what happened to the object, and to no other of its name", async () => {
    const event = (name: string, uid: string | undefined, reason: string) => ({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name },
      involvedObject: { kind: "Pod", namespace: "default", name: "web", uid },
      ...{ type: "Normal", reason, source: { component: "kubelet" }, firstTimestamp: "2025-12-31T23:59:00Z" },
    });
    await cluster.write("create", [
      event("web.mine", cluster.pod("web")?.metadata?.uid, "Started"),
      event("web.former", "the-uid-of-another", "Killing"),
    ]);
    const { stdout } = await cli.type("describe pod web");
    assert.match(stdout, /\nEvents:\n {2}Type +Reason +Age +From +Message\n(.*\n)+ {2}Normal +Started +\S+ +kubelet/);
    assert.doesNotMatch(stdout, /Killing/);
    assert.doesNotMatch((await cli.type("describe pod web --show-events=false")).stdout, /Events/);
  });

  it("shows those whose names begin with a name that no object has", async () => {
    const { code, stdout, stderr } = await cli.type("describe pods d");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^Name: +db\n/);
  });

  it("goes on past what doesn't exist, and says where there is nothing", async () => {
    const { code, stdout, stderr } = await cli.type("describe pod nope web");
    assert.equal(code, 1);
    assert.match(stdout, /^Name: +web\n/);
    assert.equal(stderr, 'Error from server (NotFound): pods "nope" not found\n');
    const nothing = { code: 0, stdout: "", stderr: "No resources found in shop namespace.\n" };
    assert.deepEqual(await cli.type("describe pods -n shop"), nothing);
  });
});
