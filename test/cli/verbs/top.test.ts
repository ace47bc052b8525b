import assert from "node:assert/strict";
import type { Measurement } from "#proto/podwire/v1/agent.ts";
import type { EndpointMetrics } from "#proto/podwire/v1/metrics.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import type { FakeSession } from "../../support/fake-agent.ts";
import { measurementOf, usageOf } from "../../support/measurements.ts";
import { until } from "../../support/until.ts";

const image = "podwire/toolbox";
const address = "10.244.0.2";

/** As two nodes' endpoints would be told, or one's of two ports. */
function busy(requestsPerSecond: number, connectionsPerSecond: number): EndpointMetrics[] {
  const counters = { windowMs: 5_000, connections: 100, requests: 100 };
  return [{ address, protocol: "tcp", port: 8080, connectionsPerSecond, requestsPerSecond, ...counters }];
}

describe("podwire top", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  let session: FakeSession;
  let send: (measurement: Measurement) => void;
  beforeEach(async () => {
    cluster = await startTestCluster({ heartbeatTimeoutMs: 600_000 });
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    const agent = await cluster.join("node-1", { labels: { zone: "a" } });
    session = agent.openSession({ capacity: { cpu: "2", memory: "1Gi", pods: "110" } });
    await session.ready();
    send = (value) => session.send({ $case: "measurement", value });
    await cluster.join("node-2");
    await cluster.write("create", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    await cluster.write("create", { apiVersion: "v1", kind: "Namespace", metadata: { name: "empty" } });
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  /** web has two containers, db one; api is in another namespace. */
  const measured = async () => {
    const nodeName = "node-1";
    const containers = ["main", "helper"].map((name) => ({ name, image }));
    await cluster.write("create", [
      podManifest("web", { nodeName, containers }, { labels: { app: "web" } }),
      podManifest("db", { nodeName }),
      podManifest("api", { nodeName }, { namespace: "shop" }),
    ]);
    const { node, pods } = measurementOf("node-1", [cluster.pod("web"), cluster.pod("db"), cluster.pod("api", "shop")]);
    const usages = [
      [usageOf({ milliCores: 100.2, mebibytes: 20.6 }), usageOf({ milliCores: 30.2, mebibytes: 30.6 })],
      [usageOf({ milliCores: 900, mebibytes: 10 })],
      [usageOf({ milliCores: 0, mebibytes: 300 })],
    ];
    for (const [i, pod] of pods.entries())
      for (const [j, container] of pod.containers.entries()) container.usage = usages[i]?.[j];
    if (node !== undefined) node.usage = usageOf({ milliCores: 1_111, mebibytes: 500 });
    session.reportRunning(cluster.pod("web") as Pod, address);
    const web = pods.find(({ name }) => name === "web");
    if (web !== undefined) web.network = { rxBytes: 3 * 2 ** 20, txBytes: 6 * 2 ** 20 - 1 };
    send({ node, pods, links: [], endpoints: [...busy(10, 1), ...busy(2.55, 0.25)] });
    await until(async () => (await cli.type("top pods -A")).code === 0, "the metrics");
    await until(() => cluster.pod("web")?.status?.podIP === address, "the pod's address");
  };

  const lines = (...text: readonly string[]) => text.map((line) => `${line}\n`).join("");
  const cases: readonly { line: string; stdout: string }[] = [
    {
      line: "top pods",
      stdout: lines("NAME   CPU(cores)   MEMORY(bytes)", "db     900m         10Mi", "web    131m         51Mi"),
    },
    {
      line: "top po --sort-by=memory",
      stdout: lines("NAME   CPU(cores)   MEMORY(bytes)", "web    131m         51Mi", "db     900m         10Mi"),
    },
    { line: "top pod web --no-headers", stdout: lines("web   131m   51Mi") },
    { line: "top pods -l app=web --no-headers", stdout: lines("web   131m   51Mi") },
    {
      line: "top pods -A --sort-by cpu",
      stdout: lines(
        "NAMESPACE   NAME   CPU(cores)   MEMORY(bytes)",
        "default     db     900m         10Mi",
        "default     web    131m         51Mi",
        "shop        api    0m           300Mi",
      ),
    },
    {
      line: "top pods --containers --sum",
      stdout: lines(
        "POD   NAME     CPU(cores)   MEMORY(bytes)",
        "db    main     900m         10Mi",
        "web   helper   31m          30Mi",
        "web   main     101m         20Mi",
        "               ________     ________",
        "               1031m        61Mi",
      ),
    },
    {
      line: "top pods -A --containers --no-headers --sort-by=cpu",
      stdout: lines(
        "default   db    main     900m   10Mi",
        "default   web   main     101m   20Mi",
        "default   web   helper   31m    30Mi",
        "shop      api   main     0m     300Mi",
      ),
    },
    {
      line: "top nodes",
      stdout: lines(
        "NAME     CPU(cores)   CPU(%)      MEMORY(bytes)   MEMORY(%)",
        "node-1   1111m        55%         500Mi           48%",
        "node-2   <unknown>    <unknown>   <unknown>       <unknown>",
      ),
    },
    {
      line: "top pods --traffic --sum",
      stdout: lines(
        "NAME   CPU(cores)   MEMORY(bytes)   REQUESTS/s   CONNECTIONS/s   RECEIVED(bytes)   SENT(bytes)",
        "db     900m         10Mi            <unknown>    <unknown>       0Mi               0Mi",
        "web    131m         51Mi            12.6         1.3             3Mi               5Mi",
        "       ________     ________        ________     ________        ________          ________",
        "       1031m        61Mi            12.6         1.3             3Mi               6Mi",
      ),
    },
    { line: "top node node-1 --no-headers", stdout: lines("node-1   1111m   55%   500Mi   48%") },
    { line: "top no -l zone=a --no-headers --sort-by=cpu", stdout: lines("node-1   1111m   55%   500Mi   48%") },
  ];
  for (const { line, stdout } of cases) {
    it(line, async () => {
      await measured();
      assert.deepEqual(await cli.type(line), { code: 0, stdout, stderr: "" });
    });
  }

  const usage = "\nSee 'podwire top --help' for usage.\n";
  const failures: readonly { line: string; stderr: string; code?: number }[] = [
    { line: "top", stderr: `error: say what to show: top pods or top nodes${usage}` },
    { line: "top pvc", stderr: 'error: unknown command "pvc" for "podwire top": want pods or nodes\n' },
    { line: "top pods web db", stderr: `error: top pods takes one NAME, not 2${usage}` },
    { line: "top pods web -l app=web", stderr: "error: only one of NAME or selector can be provided\n" },
    { line: "top pods --sort-by=age", stderr: "error: --sort-by accepts only cpu or memory\n" },
    { line: "top nodes --containers", stderr: `error: unknown flag: --containers (it is for top pods)${usage}` },
    { line: "top nodes --traffic", stderr: `error: unknown flag: --traffic (it is for top pods)${usage}` },
    {
      line: "top pods --traffic --containers",
      stderr: `error: --traffic is of pods: it can't be used with --containers${usage}`,
    },
    { line: "top pod nope", stderr: 'Error from server (NotFound): pods "nope" not found\n' },
    { line: "top node nope", stderr: 'Error from server (NotFound): nodes "nope" not found\n' },
    { line: "top pods -n empty", stderr: "No resources found in empty namespace.\n", code: 0 },
    { line: "top pods -A -l app=none", stderr: "No resources found\n", code: 0 },
  ];
  for (const { line, stderr, code = 1 } of failures) {
    it(`${line}, which there isn't`, async () => assert.deepEqual(await cli.type(line), { code, stdout: "", stderr }));
  }

  it("says that there are no metrics yet, and after two minutes of which pod", async () => {
    await cluster.write("create", podManifest("web", { nodeName: "node-1" }));
    assert.deepEqual(await cli.type("top pods"), { code: 1, stdout: "", stderr: "error: metrics not available yet\n" });
    assert.equal((await cli.type("top nodes")).stderr, "error: metrics not available yet\n");
    assert.equal(
      (await cli.type("top pod web")).stderr,
      'Error from server (NotFound): podmetrics.metrics.k8s.io "default/web" not found\n',
    );
    await cluster.clock.advance(185_000);
    assert.equal((await cli.type("top pods")).stderr, "error: Metrics not available for pod default/web, age: 3m5s\n");
  });
});
