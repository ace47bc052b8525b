/* podwire/testing where a machine can't have an embedded cluster: the same, in containers. */

import assert from "node:assert/strict";
import { startCluster } from "../../testing/cluster.ts";
import { docker } from "./docker.ts";

describe("a test's cluster in containers", () => {
  it("does what an embedded one does, and leaves nothing", async function () {
    this.timeout(300_000);
    const projects = () => docker(["ps", "--all", "--filter", "label=com.docker.compose.service=control-plane", "--quiet"]);
    const before = await projects();
    {
      await using cluster = await startCluster({ nodes: 2, as: "containers" });
      assert.equal(cluster.runsAs, "containers");
      assert.equal((await cluster.list("nodes")).length, 2);
      await cluster.applyFiles("examples/hello.yaml");
      await cluster.waitFor("pod", "--all", "condition=Ready");
      const { status } = await cluster.get<{ status: { podIP: string } }>("pod", "server");
      const answer = await cluster.exec("client", ["curl", "-s", "--max-time", "5", `http://${status.podIP}:8080/`]);
      assert.equal(answer.exitCode, 0);
      assert.match(answer.stdout, /^Hello from server/);
      assert.deepEqual(await cluster.exec("client", ["sh", "-c", "cat; exit 3"], { stdin: "in" }), {
        ...{ exitCode: 3, stdout: "in", stderr: "" },
      });
      await assert.rejects(cluster.apply({ kind: "Pod", apiVersion: "v1", metadata: { name: "A" } }), /metadata\.name/);
    }
    assert.equal(await projects(), before);
  });
});
