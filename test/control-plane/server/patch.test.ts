import assert from "node:assert/strict";
import type { Node, Pod, Resource } from "#proto/podwire/v1/resources.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { refusal } from "../../support/refusal.ts";
import { until } from "../../support/until.ts";

interface PatchOptions {
  readonly type?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly validate?: string;
  readonly dryRun?: boolean;
  readonly subresource?: string;
}

function patch(
  cluster: TestCluster,
  value: unknown,
  { type = "", kind = "Pod", name = "web", validate = "", dryRun = false, subresource = "" }: PatchOptions = {},
) {
  const json = JSON.stringify(value);
  return cluster.client.patch(
    { kind, namespace: "", name, type, json, validate, dryRun, subresource },
    { signal: AbortSignal.timeout(5_000) },
  );
}

function objectIn<T>(resource: Resource | undefined): T {
  assert.ok(resource?.object, "the answer has an object");
  return resource.object.value as T;
}

describe("Patch", () => {
  it("changes labels by each of the three types, and answers the written object", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web", {}, { labels: { app: "web", old: "1" } }));
    const merged = await patch(cluster, { metadata: { labels: { tier: "front", old: null } } }, { type: "merge" });
    assert.equal(merged.action, "configured");
    assert.deepEqual(objectIn<Pod>(merged.object).metadata?.labels, { app: "web", tier: "front" });
    await patch(cluster, { metadata: { labels: { more: "2" } } });
    const { object } = await patch(cluster, [{ op: "remove", path: "/metadata/labels/app" }], { type: "json" });
    assert.deepEqual(objectIn<Pod>(object).metadata?.labels, { tier: "front", more: "2" });
    assert.equal(objectIn<Pod>(object).metadata?.resourceVersion, String(cluster.store.get("pods/default/web")?.modRevision));
    assert.deepEqual(cluster.pod("web")?.metadata?.labels, { tier: "front", more: "2" });
  });

  it("changes the image of the container that it names, and leaves the rest and the status", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web"));
    await patch(cluster, { spec: { containers: [{ name: "main", image: "podwire/toolbox:2" }] } });
    const pod = cluster.pod("web");
    assert.deepEqual(pod?.spec?.containers[0]?.command, ["sleep", "inf"]);
    assert.equal(pod?.spec?.containers[0]?.image, "podwire/toolbox:2");
    assert.equal(pod?.status?.phase, "Pending");
    assert.equal(pod?.metadata?.generation, 2);
  });

  it("says unchanged and writes nothing where nothing changes, nor in a dry run", async () => {
    await using cluster = await startTestCluster();
    await cluster.joinReady("node-1");
    await cluster.write("create", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "1" } });
    const { revision } = cluster.store;
    const of = { kind: "ConfigMap", name: "c", type: "merge" };
    assert.equal((await patch(cluster, { data: { a: "1" } }, of)).action, "unchanged");
    const dry = await patch(cluster, { data: { a: "2" } }, { ...of, dryRun: true });
    assert.equal(dry.action, "configured");
    assert.deepEqual(objectIn<{ data: object }>(dry.object).data, { a: "2" });
    assert.equal(cluster.store.revision, revision);
  });

  it("cordons a node", async () => {
    await using cluster = await startTestCluster();
    await cluster.joinReady("node-1");
    const { object } = await patch(cluster, { spec: { unschedulable: true } }, { kind: "Node", name: "node-1" });
    assert.equal(objectIn<Node>(object).spec?.unschedulable, true);
  });

  it("puts a Secret's plain text into its data", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { a: "1" } });
    const { object } = await patch(cluster, { stringData: { b: "2" } }, { kind: "Secret", name: "s" });
    const secret = objectIn<{ data: object; stringData: object }>(object);
    assert.deepEqual(secret.data, { a: "MQ==", b: "Mg==" });
    assert.deepEqual(secret.stringData, {});
  });

  it("warns of an unknown field, and refuses it where validation is strict", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web", { schedulerName: "mine" }));
    assert.deepEqual((await patch(cluster, { metadata: { labels: { a: "1" } } })).warnings, []);
    const { warnings } = await patch(cluster, { metadata: { lables: {} } });
    assert.match(warnings.join("\n"), /unknown field "metadata\.lables", did you mean "labels"/);
    const error = await refusal(patch(cluster, { metadata: { lables: {} } }, { validate: "strict" }));
    assert.match(error.message, /^Pod "web" is invalid: unknown field "metadata\.lables"/);
  });

  const refused: { title: string; value: unknown; options?: PatchOptions; kind: string; reason: string; want: RegExp }[] = [
    {
      title: "of an object that isn't there",
      ...{ value: {}, options: { name: "x" }, kind: "not-found", reason: "NotFound", want: /^pods "x" not found$/ },
    },
    {
      title: "of a field that may not change",
      value: { spec: { hostname: "other" } },
      ...{
        kind: "invalid",
        reason: "Invalid",
        want: /^Pod "web" is invalid: spec: Forbidden: pod updates may not change fields/,
      },
    },
    {
      title: "that breaks a rule",
      value: { metadata: { labels: { a: "not a label" } } },
      ...{ kind: "invalid", reason: "Invalid", want: /^Pod "web" is invalid: metadata\.labels: Invalid value: "not a label"/ },
    },
    {
      title: "with a value of the wrong type",
      value: { spec: { activeDeadlineSeconds: "soon" } },
      ...{ kind: "invalid", reason: "Invalid", want: /spec\.activeDeadlineSeconds: Invalid value: "soon": must be an integer/ },
    },
    {
      title: "of the name",
      value: { metadata: { name: "other" } },
      ...{
        kind: "invalid",
        reason: "BadRequest",
        want: /the name of the object \(other\) does not match the name of the request \(web\)/,
      },
    },
    {
      title: "of the kind",
      value: { kind: "ConfigMap", spec: null },
      ...{ kind: "invalid", reason: "BadRequest", want: /the kind of the object \(ConfigMap\) does not match/ },
    },
    {
      title: "that says an old version",
      value: { metadata: { resourceVersion: "1" } },
      ...{ kind: "conflict", reason: "Conflict", want: /the object has been modified/ },
    },
    {
      title: "whose test fails",
      value: [{ op: "test", path: "/metadata/name", value: "x" }],
      ...{ options: { type: "json" }, kind: "invalid", reason: "Invalid", want: /\(test "\/metadata\/name"\) does not apply/ },
    },
    { title: "of an unknown type", value: {}, options: { type: "x" }, kind: "invalid", reason: "BadRequest", want: /patch type/ },
  ];
  for (const { title, value, options, kind, reason, want } of refused) {
    it(`is refused for a patch ${title}`, async () => {
      await using cluster = await startTestCluster();
      await cluster.write("create", podManifest("web"));
      const before = cluster.store.get("pods/default/web");
      const error = await refusal(patch(cluster, value, options));
      assert.match(error.message, want);
      assert.deepEqual([error.kind, error.reason], [kind, reason]);
      assert.equal(cluster.store.get("pods/default/web"), before);
    });
  }

  it("of two at the same time loses none", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web"));
    const keys = Array.from({ length: 8 }, (_, i) => `k${i}`);
    await Promise.all(keys.map((key) => patch(cluster, { metadata: { labels: { [key]: "1" } } })));
    assert.deepEqual(Object.keys(cluster.pod("web")?.metadata?.labels ?? {}).sort(), keys);
  });
});

describe("Patch of a status", () => {
  const gates = { readinessGates: [{ conditionType: "example.com/ready" }] };
  const condition = (status: string) => ({ status: { conditions: [{ type: "example.com/ready", status }] } });
  const readyOf = (cluster: TestCluster) => cluster.pod("web")?.status?.conditions.find(({ type }) => type === "Ready");

  it("opens a readiness gate, which its node's next report leaves open, and closes it", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web", gates));
    const pod = await until(() => [...session.view.pods.values()][0], "the pod");
    session.reportRunning(pod, "10.244.0.7");
    await until(() => readyOf(cluster)?.reason === "ReadinessGatesNotReady", "a closed gate");
    await patch(cluster, condition("True"), { subresource: "status" });
    assert.equal(readyOf(cluster)?.status, "True");
    session.reportRunning(pod, "10.244.0.8");
    await until(() => cluster.pod("web")?.status?.podIP === "10.244.0.8", "the next report");
    assert.equal(readyOf(cluster)?.status, "True");
    await patch(cluster, condition("False"), { subresource: "status" });
    assert.equal(readyOf(cluster)?.message, 'the status of pod readiness gate "example.com/ready" is not "True", but False');
  });

  it("touches nothing else, and what touches everything else leaves the status", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web"));
    const change = { metadata: { labels: { a: "b" } }, status: { message: "mine" } };
    await patch(cluster, change, { subresource: "status" });
    assert.deepEqual([cluster.pod("web")?.metadata?.labels ?? {}, cluster.pod("web")?.status?.message], [{}, "mine"]);
    await patch(cluster, { ...change, status: { message: "yours" } });
    assert.deepEqual([cluster.pod("web")?.metadata?.labels, cluster.pod("web")?.status?.message], [{ a: "b" }, "mine"]);
  });

  it("says what is wrong with it", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web"));
    const wrong = await refusal(patch(cluster, { status: { phase: 3 } }, { subresource: "status" }));
    assert.match(wrong.message, /status\.phase: Invalid value: 3: must be a string/);
    const unknown = await refusal(patch(cluster, {}, { subresource: "scale" }));
    assert.match(unknown.message, /subresource must be "status", not "scale"/);
  });
});
