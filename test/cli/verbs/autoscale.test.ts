import assert from "node:assert/strict";
import type { HorizontalPodAutoscaler } from "#proto/podwire/v1/resources.ts";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";

describe("podwire autoscale", () => {
  let cluster: TestCluster;
  let cli: TestCli;

  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address });
    const labels = { app: "web" };
    const containers = [{ name: "main", image: "podwire/toolbox", resources: { requests: { cpu: "100m" } } }];
    const template = { metadata: { labels }, spec: { containers } };
    const spec = { replicas: 1, selector: { matchLabels: labels }, template };
    await cluster.write("create", { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec });
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  const specOf = (name: string) =>
    (cluster.store.get(`horizontalpodautoscalers/default/${name}`)?.value as HorizontalPodAutoscaler | undefined)?.spec;
  const cpuOf = (name: string) => specOf(name)?.metrics[0]?.resource?.target;

  it("makes one of kubectl's flags", async () => {
    const { stdout } = await cli.type("autoscale deploy/web --min 2 --max 10 --cpu-percent 60");
    assert.equal(stdout, "horizontalpodautoscaler.autoscaling/web autoscaled\n");
    const { scaleTargetRef, minReplicas, maxReplicas } = specOf("web") ?? assert.fail();
    assert.deepEqual(scaleTargetRef, { kind: "Deployment", name: "web", apiVersion: "apps/v1" });
    assert.deepEqual([minReplicas, maxReplicas], [2, 10]);
    assert.deepEqual(cpuOf("web"), { type: "Utilization", averageUtilization: 60 });
  });

  it("is at 80 % of the cpu where no flag names a metric", async () => {
    await cli.type("autoscale deployment web --max 3 --name busy");
    assert.deepEqual([specOf("busy")?.minReplicas, cpuOf("busy")?.averageUtilization], [1, 80]);
  });

  it("takes amounts, memory and requests, too", async () => {
    await cli.type("autoscale deploy web --max=3 --cpu=200m --memory=64Mi --requests-per-second=20");
    const [cpu, memory, requests] = specOf("web")?.metrics ?? [];
    assert.deepEqual(cpu?.resource?.target, { type: "AverageValue", averageValue: "200m" });
    assert.deepEqual(memory?.resource?.target, { type: "AverageValue", averageValue: "64Mi" });
    assert.deepEqual(requests?.pods, {
      metric: { name: "requests_per_second" },
      target: { type: "AverageValue", averageValue: "20" },
    });
  });

  it("is shown with what it measured, once there is something", async () => {
    await cli.type("autoscale deploy/web --max 3 --cpu-percent 60");
    const { stdout } = await cli.type("get hpa");
    assert.match(
      stdout,
      /^NAME +REFERENCE +TARGETS +MINPODS +MAXPODS +REPLICAS +AGE\nweb +Deployment\/web +cpu: <unknown>\/60% +1 +3 +/,
    );
    const described = (await cli.type("describe hpa web")).stdout;
    assert.match(described, /^Reference: +Deployment\/web$/m);
    assert.match(described, /^ {2}resource cpu on pods {2}\(as a percentage of request\): +<unknown> \/ 60%$/m);
  });

  const refusals: readonly (readonly [line: string, message: RegExp])[] = [
    ["autoscale deploy/web", /--max=MAXPODS is required and must be at least 1, max: 0/],
    ["autoscale deploy/web --max 2 --min 3", /--max=MAXPODS must be larger or equal to --min=MINPODS, max: 2, min: 3/],
    ["autoscale deploy/web --max 2 --cpu lots", /lots.*quantities must match/],
    ["autoscale deploy/web --max 2 --cpu 60% --cpu-percent 60", /cannot be used together/],
    ["autoscale deploy/nope --max 2", /deployments "nope" not found/],
    ["autoscale --max 2", /want one workload to scale/],
  ];
  for (const [line, message] of refusals) {
    it(`refuses: ${line}`, async () => {
      const { code, stderr } = await cli.type(line);
      assert.match(stderr, message);
      assert.equal(code, 1);
    });
  }

  it("refuses a second one of the same name", async () => {
    await cli.type("autoscale deploy/web --max 3");
    assert.match((await cli.type("autoscale deploy/web --max 3")).stderr, /horizontalpodautoscalers "web" already exists/);
  });
});
