import assert from "node:assert/strict";
import { podwireVersion } from "#process/version.ts";
import { createTestCli } from "../../support/cli.ts";
import { startTestCluster } from "../../support/control-plane.ts";

const own = `v${podwireVersion()}`;

describe("podwire version", () => {
  it("knows the client's without a cluster", async () => {
    const cli = createTestCli();
    assert.deepEqual(await cli.type("version --client"), { code: 0, stdout: `Client Version: ${own}\n`, stderr: "" });
    assert.deepEqual(JSON.parse((await cli.type("version --client -o json")).stdout), { clientVersion: { gitVersion: own } });
  });

  it("asks the cluster for the server's and its ranges", async () => {
    await using cluster = await startTestCluster();
    const cli = createTestCli({ server: cluster.address });
    assert.equal(
      (await cli.type("version")).stdout,
      `Client Version: ${own}\nServer Version: ${own}\nCluster: test (pods 10.244.0.0/16, services 10.96.0.0/16)\nTime Scale: 1\n`,
    );
    assert.match((await cli.type("version -o yaml")).stdout, /^serverVersion:\n {2}gitVersion: v/m);
  });

  it("says how fast the control plane's timers run", async () => {
    await using cluster = await startTestCluster({ timeScale: 20 });
    const cli = createTestCli({ server: cluster.address });
    assert.match((await cli.type("version")).stdout, /^Time Scale: 20$/m);
    assert.equal(JSON.parse((await cli.type("version -o json")).stdout).cluster.timeScale, 20);
  });

  it("prints the client's even where no cluster answers, and fails", async () => {
    const { code, stdout, stderr } = await createTestCli().type("version");
    assert.deepEqual([code, stdout], [1, `Client Version: ${own}\n`]);
    assert.match(stderr, /^error: no cluster is running on this machine/);
  });

  it("refuses other formats", async () => {
    assert.deepEqual(await createTestCli().type("version --client -o table"), {
      code: 1,
      stdout: "",
      stderr: "error: --output must be 'yaml' or 'json'\n",
    });
  });
});
