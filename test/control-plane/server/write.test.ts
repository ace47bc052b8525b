import assert from "node:assert/strict";
import { type ErrorKind, isAppError } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { refusal } from "../../support/refusal.ts";
import { until } from "../../support/until.ts";

const namespaceManifest = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

function podIn(result: { object?: { object?: { $case: string; value: unknown } } } | undefined): Pod {
  assert.equal(result?.object?.object?.$case, "pod");
  return result?.object?.object?.value as Pod;
}

describe("Create", () => {
  it("gives an object uid, creation time, generation, version, and the request's namespace", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", namespaceManifest("team"));
    const [result] = await cluster.write("create", podManifest("web"), { namespace: "team" });
    const { metadata, status } = podIn(result);
    assert.match(metadata?.uid ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(metadata?.creationTimestamp, "2026-01-01T00:00:00Z");
    assert.equal(metadata?.generation, 1);
    assert.equal(metadata?.namespace, "team");
    assert.equal(metadata?.resourceVersion, String(cluster.store.get("pods/team/web")?.createRevision));
    assert.equal(status?.phase, "Pending");
    assert.equal(result?.action, "created");
  });

  it("takes no status, uid or version from the manifest", async () => {
    await using cluster = await startTestCluster();
    const manifest = {
      ...podManifest("web", {}, { uid: "mine", resourceVersion: "7", generation: 9 }),
      status: { phase: "Running" },
    };
    const { metadata, status } = podIn((await cluster.write("create", manifest))[0]);
    assert.notEqual(metadata?.uid, "mine");
    assert.equal(metadata?.generation, 1);
    assert.equal(status?.phase, "Pending");
  });

  it("ends a generated name with five characters", async () => {
    await using cluster = await startTestCluster();
    const manifest = podManifest("", {}, { name: undefined, generateName: "job-" });
    const names = (await cluster.write("create", [manifest, manifest])).map((result) => podIn(result).metadata?.name ?? "");
    for (const name of names) assert.match(name, /^job-[bcdfghjklmnpqrstvwxz2-9]{5}$/);
    assert.equal(new Set(names).size, 2);
  });

  it("puts a namespace and its contents there in one commit, in any order", async () => {
    await using cluster = await startTestCluster();
    const { revision } = cluster.store;
    await cluster.write("create", [podManifest("web", {}, { namespace: "team" }), namespaceManifest("team")]);
    assert.equal(cluster.store.get("pods/team/web")?.createRevision, revision + 1);
    assert.equal(cluster.store.get("namespaces/team")?.createRevision, revision + 1);
  });

  it("writes nothing in a dry run, and answers what it would", async () => {
    await using cluster = await startTestCluster();
    const { revision } = cluster.store;
    const [result] = await cluster.write("create", podManifest("web"), { dryRun: true });
    assert.equal(podIn(result).metadata?.name, "web");
    assert.equal(cluster.store.revision, revision);
  });
});

describe("a write that is wrong", () => {
  it("changes nothing and names source, object, path and reason of everything, all at once", async () => {
    await using cluster = await startTestCluster();
    const { revision } = cluster.store;
    const error = await refusal(
      cluster.write("create", [
        podManifest("good"),
        { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: {} },
        podManifest("Bad_Name", { terminationGracePeriodSeconds: "soon" }),
        { apiVersion: "v1", kind: "Podd", metadata: { name: "x" } },
        podManifest("good"),
      ]),
    );
    assert.equal(error.kind, "invalid");
    assert.equal(error.reason, "Invalid");
    const wanted = [
      /^test\.yaml, document 2: Pod "web" is invalid: spec\.containers: Required value$/,
      /^test\.yaml, document 3: Pod "Bad_Name" is invalid: spec\.terminationGracePeriodSeconds: Invalid value/,
      /^test\.yaml, document 3: Pod "Bad_Name" is invalid: metadata\.name: Invalid value/,
      /^test\.yaml, document 4: Podd "x" is invalid: kind: no matches for kind "Podd".*did you mean Pod\?/,
      /^test\.yaml, document 5: Pod "good" is invalid: metadata\.name: Duplicate value/,
    ];
    const lines = error.message.split("\n");
    assert.equal(lines.length, wanted.length, error.message);
    for (const [i, line] of lines.entries()) assert.match(line, wanted[i] ?? /^$/);
    assert.equal(cluster.store.revision, revision);
  });

  it("tells the field of a single problem", async () => {
    await using cluster = await startTestCluster();
    const error = await refusal(cluster.write("create", { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: {} }));
    assert.equal(error.field, "spec.containers");
  });

  it("is one whose manifest is no JSON, or that has none", async () => {
    await using cluster = await startTestCluster();
    const signal = AbortSignal.timeout(5_000);
    const request = { namespace: "", validate: "", dryRun: false };
    const broken = cluster.client.create({ ...request, manifests: [{ json: "{", source: "a.json" }] }, { signal });
    assert.match((await refusal(broken)).message, /^a\.json: the manifest is not JSON: /);
    assert.equal((await refusal(cluster.client.create({ ...request, manifests: [] }, { signal }))).kind, "invalid");
  });

  it("with --validate=strict is one with an unknown field; else that is a warning", async () => {
    await using cluster = await startTestCluster();
    const manifest = podManifest("web", { containerz: [] });
    const error = await refusal(cluster.write("create", manifest, { validate: "strict" }));
    assert.match(error.message, /spec\.containerz/);
    const [result] = await cluster.write("create", manifest);
    assert.match(result?.warnings.join("\n") ?? "", /spec\.containerz/);
  });

  const refusals: {
    readonly title: string;
    readonly act: (cluster: TestCluster) => Promise<unknown>;
    readonly kind: ErrorKind;
    readonly reason: string;
    readonly message: string;
  }[] = [
    {
      title: "creates what exists",
      act: (cluster) => cluster.write("create", podManifest("web")),
      ...{ kind: "already-exists", reason: "AlreadyExists", message: 'pods "web" already exists' },
    },
    {
      title: "updates what does not exist",
      act: (cluster) => cluster.write("update", podManifest("nobody")),
      ...{ kind: "not-found", reason: "NotFound", message: 'pods "nobody" not found' },
    },
    {
      title: "goes into a namespace that does not exist",
      act: (cluster) => cluster.write("apply", podManifest("web"), { namespace: "x" }),
      ...{ kind: "not-found", reason: "NotFound", message: 'namespaces "x" not found' },
    },
    {
      title: "updates with a stale version",
      act: (cluster) => cluster.write("update", podManifest("web", {}, { resourceVersion: "1" })),
      kind: "conflict",
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on pods "web": the object has been modified; please apply your changes to the latest version and try again',
    },
    {
      title: "gets what does not exist",
      act: (cluster) => cluster.get("Pod", "nobody"),
      ...{ kind: "not-found", reason: "NotFound", message: 'pods "nobody" not found' },
    },
    {
      title: "gets a kind that does not exist",
      act: (cluster) => cluster.get("Podd", "web"),
      ...{ kind: "not-found", reason: "NotFound", message: `the server doesn't have a resource type "Podd"` },
    },
    {
      title: "deletes the default namespace",
      act: (cluster) => cluster.delete("Namespace", "default"),
      kind: "forbidden",
      reason: "Forbidden",
      message: 'namespaces "default" is forbidden: this namespace may not be deleted',
    },
  ];
  for (const { title, act, kind, reason, message } of refusals) {
    it(`is refused in Kubernetes' words where it ${title}`, async () => {
      await using cluster = await startTestCluster();
      await cluster.write("create", podManifest("web"));
      const { revision } = cluster.store;
      const error = await refusal(act(cluster));
      assert.deepEqual([error.kind, error.reason, error.message], [kind, reason, message]);
      assert.ok(cluster.store.revision <= revision + 1, "nothing but the scheduler wrote");
    });
  }

  it("names every object that exists already", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", [podManifest("a"), podManifest("b")]);
    const error = await refusal(cluster.write("create", [podManifest("a"), podManifest("new"), podManifest("b")]));
    assert.equal(error.message, 'test.yaml, document 1: pods "a" already exists\ntest.yaml, document 3: pods "b" already exists');
    assert.equal(cluster.pod("new"), undefined);
  });

  it("is an update that changes what may not change", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web"));
    const error = await refusal(cluster.write("update", podManifest("web", { restartPolicy: "Never" })));
    assert.equal(error.kind, "invalid");
    assert.match(error.message, /^test\.yaml, document 1: Pod "web" is invalid: spec: Forbidden: .*spec\.restartPolicy$/);
  });
});

describe("Update", () => {
  it("replaces the object, keeps its status, and counts changes of its spec", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web", {}, { labels: { a: "1" } }));
    const before = cluster.pod("web");
    const [labelled] = await cluster.write("update", podManifest("web", {}, { labels: { b: "2" } }));
    assert.equal(labelled?.action, "configured");
    const { metadata, status } = podIn(labelled);
    assert.deepEqual(metadata?.labels, { b: "2" });
    assert.equal(metadata?.uid, before?.metadata?.uid);
    assert.equal(metadata?.generation, 1);
    assert.equal(status?.phase, "Pending");
    const image = { containers: [{ name: "main", image: "other", command: ["sleep", "inf"] }] };
    const [changed] = await cluster.write("update", podManifest("web", image, { labels: { b: "2" } }));
    assert.equal(podIn(changed).metadata?.generation, 2);
  });

  it("writes nothing where nothing changes", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", namespaceManifest("team"));
    const { revision } = cluster.store;
    const [result] = await cluster.write("update", namespaceManifest("team"));
    assert.equal(result?.action, "unchanged");
    assert.equal(cluster.store.revision, revision);
  });

  it("lets one of two writers with the same version win", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", namespaceManifest("team"));
    const resourceVersion = String(cluster.store.get("namespaces/team")?.modRevision);
    const labelled = (value: string) =>
      cluster.write("update", { ...namespaceManifest("team"), metadata: { name: "team", resourceVersion, labels: { value } } });
    const outcomes = await Promise.allSettled([labelled("a"), labelled("b")]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const lost = outcomes.find((outcome) => outcome.status === "rejected");
    assert.ok(isAppError(lost?.reason, "conflict"));
  });
});

describe("Apply", () => {
  it("creates, then configures, then leaves unchanged", async () => {
    await using cluster = await startTestCluster();
    const actions: (string | undefined)[] = [];
    for (const labels of [{ a: "1" }, { a: "2" }, { a: "2" }]) {
      actions.push((await cluster.write("apply", podManifest("web", {}, { labels })))[0]?.action);
    }
    assert.deepEqual(actions, ["created", "configured", "unchanged"]);
  });

  it("takes out what the manifest no longer says, and keeps what others set", async () => {
    await using cluster = await startTestCluster();
    const team = (labels: object) => ({ ...namespaceManifest("team"), metadata: { name: "team", labels } });
    await cluster.write("apply", team({ mine: "1", gone: "1" }));
    const others = cluster.namespace("team");
    await cluster.write("update", {
      ...others,
      metadata: { ...others?.metadata, labels: { ...others?.metadata?.labels, theirs: "1" } },
    });
    await cluster.write("apply", team({ mine: "2" }));
    assert.deepEqual(cluster.namespace("team")?.metadata?.labels, {
      "kubernetes.io/metadata.name": "team",
      mine: "2",
      theirs: "1",
    });
    const note = cluster.namespace("team")?.metadata?.annotations?.["kubectl.kubernetes.io/last-applied-configuration"];
    assert.deepEqual(JSON.parse(note ?? ""), {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "team", labels: { mine: "2" } },
    });
  });

  it("keeps what the scheduler decided", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("apply", podManifest("web"));
    await until(() => session.view.pods.size === 1, "the pod at its agent");
    const [result] = await cluster.write("apply", podManifest("web", {}, { labels: { a: "1" } }));
    assert.equal(podIn(result).spec?.nodeName, "node-1");
    assert.deepEqual(
      podIn(result).status?.conditions.map(({ type }) => type),
      ["PodScheduled"],
    );
  });

  it("of many at once to one object loses none", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("apply", namespaceManifest("team"));
    const labels = Array.from({ length: 20 }, (_, i) => `writer-${i}`);
    await Promise.all(
      labels.map((label) =>
        cluster.write("apply", {
          ...namespaceManifest("team"),
          metadata: { name: "team", finalizers: [`example.com/${label}`] },
        }),
      ),
    );
    // Each apply takes out what the one before it said, so exactly the last one's finalizer is left.
    assert.equal(cluster.namespace("team")?.metadata?.finalizers?.length, 1);
  });

  it("of several manifests answers for each, in their order", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("apply", podManifest("b"));
    const results = await cluster.write("apply", [podManifest("a"), podManifest("b")]);
    assert.deepEqual(
      results.map((result) => [podIn(result).metadata?.name, result.action]),
      [
        ["a", "created"],
        ["b", "unchanged"],
      ],
    );
  });

  it("takes what Get gave, with its status, version and annotation, and refuses it when it is stale", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("apply", podManifest("web", { nodeName: "nowhere" }));
    const exported = podKind.toJson(podIn(await cluster.get("Pod", "web").then((object) => ({ object })))) as object;
    const [result] = await cluster.write("apply", exported);
    assert.equal(result?.action, "configured");
    assert.equal(podIn(result).status?.phase, "Pending");
    const note = podIn(result).metadata?.annotations["kubectl.kubernetes.io/last-applied-configuration"] ?? "";
    assert.ok(!note.includes("last-applied-configuration"), "no annotation within the annotation");
    assert.equal((await refusal(cluster.write("apply", exported))).kind, "conflict");
  });

  it("refuses an object that took another's name meanwhile", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("apply", podManifest("web"));
    const error = await refusal(cluster.write("update", podManifest("web", {}, { uid: "of-another" })));
    assert.equal(error.kind, "conflict");
    assert.match(error.message, /Precondition failed: UID in precondition: of-another/);
  });

  it("needs a name", async () => {
    await using cluster = await startTestCluster();
    const error = await refusal(cluster.write("apply", podManifest("", {}, { name: undefined, generateName: "job-" })));
    assert.match(error.message, /Pod "job-" is invalid: metadata\.name: Required value/);
  });

  it("does not take a node's block away", async () => {
    await using cluster = await startTestCluster();
    await cluster.joinReady("node-1");
    await cluster.write("apply", { apiVersion: "v1", kind: "Node", metadata: { name: "node-1", labels: { zone: "a" } } });
    assert.equal(cluster.node("node-1")?.spec?.podCIDR, "10.244.0.0/24");
    const other = { apiVersion: "v1", kind: "Node", metadata: { name: "node-1" }, spec: { podCIDR: "10.244.9.0/24" } };
    assert.match((await refusal(cluster.write("apply", other))).message, /spec\.podCIDR/);
  });
});
