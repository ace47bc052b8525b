import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "#core/errors.ts";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { startFakeCluster } from "../../support/fake-cluster.ts";
import { until } from "../../support/until.ts";

interface Fixture extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly cli: TestCli;
}

/** Pods `web` (labelled) and `db` in default, `api` in shop; no node. */
async function withPods(): Promise<Fixture> {
  const cluster = await startTestCluster();
  await cluster.write("create", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await cluster.write("create", [
    podManifest("web", {}, { labels: { app: "web" } }),
    podManifest("db"),
    podManifest("api", {}, { namespace: "shop" }),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "config", namespace: "shop" },
      data: { a: "1" },
      binaryData: { b: "AA==" },
    },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "password", namespace: "shop" }, stringData: { p: "secret" } },
  ]);
  return {
    cluster,
    cli: createTestCli({ server: cluster.address, clock: cluster.clock }),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

describe("podwire get", () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await withPods();
  });
  after(() => fixture[Symbol.asyncDispose]());

  const lines = (...text: string[]) => `${text.join("\n")}\n`;
  const cases: readonly { line: string; stdout?: string; stderr?: string; code?: number }[] = [
    {
      line: "get pods",
      stdout: lines(
        "NAME   READY   STATUS    RESTARTS   AGE",
        "db     0/1     Pending   0          0s",
        "web    0/1     Pending   0          0s",
      ),
    },
    {
      line: "get po -o wide --no-headers",
      stdout: lines(
        "db    0/1   Pending   0     0s    <none>   <none>   <none>   <none>",
        "web   0/1   Pending   0     0s    <none>   <none>   <none>   <none>",
      ),
    },
    {
      line: "get pods -A",
      stdout: lines(
        "NAMESPACE   NAME   READY   STATUS    RESTARTS   AGE",
        "default     db     0/1     Pending   0          0s",
        "default     web    0/1     Pending   0          0s",
        "shop        api    0/1     Pending   0          0s",
      ),
    },
    {
      line: "get all -n shop",
      stdout: lines("NAME      READY   STATUS    RESTARTS   AGE", "pod/api   0/1     Pending   0          0s"),
    },
    {
      line: "get pods,ns -n shop",
      stdout: lines(
        "NAME      READY   STATUS    RESTARTS   AGE",
        "pod/api   0/1     Pending   0          0s",
        "",
        "NAME                    STATUS   AGE",
        "namespace/default       Active   0s",
        "namespace/kube-system   Active   0s",
        "namespace/shop          Active   0s",
      ),
    },
    { line: "get pods -l app=web -o name", stdout: "pod/web\n" },
    { line: "get pods --field-selector metadata.name!=web -o name", stdout: "pod/db\n" },
    { line: "get pods --namespace=shop -o=name", stdout: "pod/api\n" },
    { line: "-n shop get pod/api -oname", stdout: "pod/api\n" },
    { line: "get pod web db -o jsonpath={.items[*].metadata.name}", stdout: "web db" },
    { line: "get pod web -o jsonpath={.metadata.name}", stdout: "web" },
    {
      line: "get pods -l app=web --show-labels",
      stdout: lines("NAME   READY   STATUS    RESTARTS   AGE   LABELS", "web    0/1     Pending   0          0s    app=web"),
    },
    {
      line: "get pods -L app,example.com/tier --no-headers",
      stdout: lines("db    0/1   Pending   0     0s          ", "web   0/1   Pending   0     0s    web   "),
    },
    {
      line: "get pods -A --sort-by=.metadata.name -o custom-columns=NAME:.metadata.name,IP:.status.podIP,NS:metadata.namespace",
      stdout: lines("NAME   IP       NS", "api    <none>   shop", "db     <none>   default", "web    <none>   default"),
    },
    {
      line: "get pod web -o custom-columns=LABELS:.metadata.labels,COMMAND:.spec.containers[0].command,PORTS:.spec.containers[*].ports --no-headers",
      stdout: "map[app:web]   [sleep inf]   <none>\n",
    },
    { line: "get pods --sort-by={.metadata.labels.app} -o name", stdout: "pod/db\npod/web\n" },
    { line: "get pods --sort-by=.nope", stderr: "error: couldn't find any field with that path\n", code: 1 },
    {
      line: "get cm,secrets -n shop",
      stdout: lines(
        "NAME               DATA   AGE",
        "configmap/config   2      0s",
        "",
        "NAME              TYPE     DATA   AGE",
        "secret/password   Opaque   1      0s",
      ),
    },
    {
      line: "get pods -o custom-columns=NAME",
      stderr: "error: unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>\n",
      code: 1,
    },
    {
      line: "get pods -o go-template={{.kind}}",
      stderr: "error: -o go-template is left out: Go's templates need Go; use jsonpath= or custom-columns=\n",
      code: 1,
    },
    { line: "get pods -n nowhere", stderr: "No resources found in nowhere namespace.\n" },
    { line: "get nodes", stderr: "No resources found\n" },
    { line: "get pods -A -l app=none", stderr: "No resources found\n" },
    { line: "get pods -n nowhere -o name" },
    { line: "get pod nope", stderr: 'Error from server (NotFound): pods "nope" not found\n', code: 1 },
    { line: "get pod nope --ignore-not-found" },
    {
      line: "get pod nope web -o name",
      stdout: "pod/web\n",
      stderr: 'Error from server (NotFound): pods "nope" not found\n',
      code: 1,
    },
    { line: "get pds", stderr: `error: the server doesn't have a resource type "pds"\n\nDid you mean this?\n\tpods\n`, code: 1 },
    { line: "get pod web -l app=web", stderr: "error: name cannot be provided when a selector is specified\n", code: 1 },
    { line: "get pods,nodes -w", stderr: "error: you may only specify a single resource type or name to watch\n", code: 1 },
    { line: "get pod web -A", stderr: "error: a resource cannot be retrieved by name across all namespaces\n", code: 1 },
    {
      line: "get pod/web node",
      stderr:
        "error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (pod/web node)\n",
      code: 1,
    },
  ];
  for (const { line, stdout = "", stderr = "", code = 0 } of cases) {
    it(line, async () => assert.deepEqual(await fixture.cli.type(line), { code, stdout, stderr }));
  }

  it("prints one object alone and several in a List, with sorted keys", async () => {
    const one = JSON.parse((await fixture.cli.type("get pod web -o json")).stdout);
    assert.deepEqual([one.kind, one.apiVersion, one.metadata.name], ["Pod", "v1", "web"]);
    assert.deepEqual(Object.keys(one), ["apiVersion", "kind", "metadata", "spec", "status"]);
    const list = JSON.parse((await fixture.cli.type("get pods -o json")).stdout);
    assert.deepEqual([list.kind, list.apiVersion, list.items.length], ["List", "v1", 2]);
    const none = JSON.parse((await fixture.cli.type("get pods -n nowhere -o json")).stdout);
    assert.deepEqual([none.kind, none.items], ["List", []]);
  });

  it("prints YAML that says the same as its JSON", async () => {
    const { parse } = await import("yaml");
    const [yaml, json] = await Promise.all([fixture.cli.type("get pods -o yaml"), fixture.cli.type("get pods -o json")]);
    assert.deepEqual(parse(yaml.stdout), JSON.parse(json.stdout));
    assert.match(yaml.stdout, /^apiVersion: v1\nitems:\n- apiVersion: v1\n/);
  });
});

describe("podwire get -o custom-columns-file and jsonpath-file", () => {
  it("takes titles from a file's first line and paths from its second", async () => {
    await using fixture = await withPods();
    const folder = await mkdtemp(join(tmpdir(), "podwire-columns-"));
    try {
      await writeFile(join(folder, "columns"), "NAME           FIRST\n.metadata.name .spec.containers[0].name\n");
      await writeFile(join(folder, "wrong"), "NAME FIRST\n.metadata.name\n");
      const right = await fixture.cli.type(`get pods -o custom-columns-file=${folder}/columns`);
      assert.equal(right.stdout, "NAME   FIRST\ndb     main\nweb    main\n");
      await writeFile(join(folder, "template"), "{.items[*].metadata.name}");
      assert.equal((await fixture.cli.type(`get pods -o jsonpath-file=${folder}/template`)).stdout, "db web");
      const wrong = await fixture.cli.type(`get pods -o custom-columns-file=${folder}/wrong`);
      assert.match(wrong.stderr, /^error: .*number of titles \(2\) and paths \(1\) do not match/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("podwire get events", () => {
  it("prints the latest last, without names but in wide tables", async () => {
    await using cluster = await startTestCluster();
    const cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    const event = (name: string, at: string, more: object) => ({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name },
      involvedObject: { kind: "Pod", namespace: "default", name: "web", fieldPath: "spec.containers{main}" },
      firstTimestamp: "2025-12-31T23:50:00Z",
      lastTimestamp: at,
      source: { component: "kubelet", host: "node-1" },
      ...more,
    });
    await cluster.write("create", [
      event("b", "2025-12-31T23:58:00Z", { type: "Warning", reason: "BackOff", message: "again", count: 3 }),
      event("a", "2025-12-31T23:59:00Z", { type: "Normal", reason: "Started", message: "Started container" }),
      event("c", "2025-12-31T23:50:00Z", { type: "Normal", reason: "Pulled", message: "present" }),
    ]);
    assert.equal(
      (await cli.type("get ev")).stdout,
      [
        "LAST SEEN   TYPE      REASON    OBJECT    MESSAGE",
        "10m         Normal    Pulled    pod/web   present",
        "2m          Warning   BackOff   pod/web   again",
        "60s         Normal    Started   pod/web   Started container",
        "",
      ].join("\n"),
    );
    const wide = (await cli.type("get events --field-selector reason=BackOff -o wide")).stdout.split("\n");
    assert.deepEqual(wide[0]?.split(/ {2,}/), [
      "LAST SEEN",
      "TYPE",
      "REASON",
      "OBJECT",
      "SUBOBJECT",
      "SOURCE",
      "MESSAGE",
      "FIRST SEEN",
      "COUNT",
      "NAME",
    ]);
    assert.deepEqual((await cli.type("get events,pods,cm -o name")).stdout, "event/c\nevent/b\nevent/a\n");
    assert.match(wide[1] ?? "", / spec\.containers\{main\} +kubelet, node-1 +again +10m +3 +b$/);
  });
});

describe("podwire get --watch", () => {
  it("prints what is there, then a line for each change, its columns still aligned", async () => {
    await using fixture = await withPods();
    await using watch = fixture.cli.start(["get", "pods", "-w"]);
    await watch.sees("web    0/1     Pending");
    await fixture.cluster.write("create", podManifest("new"));
    await watch.sees("new    0/1     Pending   0          0s\n");
    await fixture.cluster.delete("Pod", "web", { namespace: "default", gracePeriodSeconds: 0 });
    await until(() => watch.stdout.split("\n").filter((line) => line.startsWith("web")).length >= 2, "the deletion of web");
    assert.equal(watch.stdout.match(/NAME/g)?.length, 1);
    watch.interrupt();
    assert.equal((await watch.result).code, 130);
  });

  it("leaves out what is there with --watch-only, and follows one object by its name", async () => {
    await using fixture = await withPods();
    await using watch = fixture.cli.start(["get", "pod", "web", "--watch-only", "-o", "name"]);
    await using all = fixture.cli.start(["get", "pod", "web", "-w", "-o", "name"]);
    await all.sees("pod/web");
    await fixture.cluster.write("create", podManifest("other"));
    await until(async () => {
      await fixture.cluster.write("apply", podManifest("web", {}, { labels: { app: "web", at: String(performance.now()) } }));
      return watch.stdout !== "";
    }, "a change of web");
    assert.match(watch.stdout, /^(pod\/web\n)+$/);
    assert.doesNotMatch(all.stdout, /other/);
  });

  it("fails where the named object doesn't exist", async () => {
    await using fixture = await withPods();
    assert.deepEqual(await fixture.cli.type("get pod nope -w"), {
      code: 1,
      stdout: "",
      stderr: 'Error from server (NotFound): pods "nope" not found\n',
    });
  });

  it("starts over where the history is too short, and prints just the difference", async () => {
    const object = (name: string, resourceVersion: string) => ({
      object: {
        $case: "namespace" as const,
        value: {
          metadata: { name, uid: name, resourceVersion, labels: {}, annotations: {}, ownerReferences: [], finalizers: [] },
        },
      },
    });
    const added = (name: string, version: string) => ({ type: "ADDED", object: object(name, version) });
    let round = 0;
    await using cluster = await startFakeCluster({
      async *watch(_request, { signal }) {
        round += 1;
        if (round === 1) {
          yield { resourceVersion: "3", synced: true, events: [added("stays", "1"), added("goes", "2"), added("changes", "3")] };
          throw new AppError("too-old", "revision 3 was compacted");
        }
        yield { resourceVersion: "9", synced: true, events: [added("stays", "1"), added("changes", "8"), added("comes", "9")] };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    });
    await using watch = createTestCli({ server: cluster.address }).start(["get", "ns", "-w", "-o", "name"]);
    await until(() => watch.stdout.includes("goes") && watch.stdout.split("goes").length === 3, "the difference");
    const names = ["stays", "goes", "changes", "changes", "comes", "goes"];
    assert.equal(watch.stdout, names.map((name) => `namespace/${name}\n`).join(""));
  });

  it("says so where the control plane goes away", async () => {
    await using cluster = await startFakeCluster({
      async *watch() {
        yield { resourceVersion: "1", synced: true, events: [] };
        throw new AppError("unavailable", "the control plane stops");
      },
    });
    const result = await createTestCli({ server: cluster.address }).type("get pods -w");
    assert.deepEqual(result, {
      code: 1,
      stdout: "",
      stderr: "Error from server (ServiceUnavailable): the control plane stops\n",
    });
  });
});
