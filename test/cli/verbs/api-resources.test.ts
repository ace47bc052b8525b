import assert from "node:assert/strict";
import { createTestCli } from "../../support/cli.ts";

describe("podwire api-resources", () => {
  const cli = createTestCli();

  it("prints the kinds by name, without a cluster", async () => {
    const { code, stdout, stderr } = await cli.type("api-resources");
    assert.deepEqual([code, stderr], [0, ""]);
    const lines = stdout.trimEnd().split("\n");
    assert.deepEqual(lines[0]?.split(/ +/), ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]);
    assert.deepEqual(lines.find((line) => line.startsWith("pods "))?.split(/ +/), ["pods", "po", "v1", "true", "Pod"]);
    assert.deepEqual(lines.slice(1), lines.slice(1).sort());
  });

  it("prints names only, and only those in namespaces or only the others", async () => {
    assert.equal(
      (await cli.type("api-resources -o name --namespaced=false")).stdout,
      "namespaces\nnodegroups.podwire.dev\nnodes\n",
    );
    assert.match(
      (await cli.type("api-resources --namespaced -o name")).stdout,
      /^configmaps\ndaemonsets\.apps\ndeployments\.apps\nendpointslices\.discovery\.k8s\.io\nevents\nhorizontalpodautoscalers\.autoscaling\njobs\.batch\npoddisruptionbudgets\.policy\npods\nreplicasets\.apps\nsecrets\nservices\nstatefulsets\.apps\nverticalpodautoscalers\.autoscaling\.k8s\.io\n/,
    );
    assert.match((await cli.type("api-resources -o wide")).stdout, /^pods .* create,delete,get,list,patch,update,watch +all$/m);
  });

  it("refuses other formats and values", async () => {
    assert.match((await cli.type("api-resources -o json")).stderr, /^error: --output json is not available/);
    assert.match(
      (await cli.type("api-resources --namespaced=maybe")).stderr,
      /^error: invalid argument "maybe" for "--namespaced" flag/,
    );
  });
});
