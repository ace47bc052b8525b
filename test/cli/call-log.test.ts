import assert from "node:assert/strict";
import { createTestCli } from "../support/cli.ts";
import { startTestCluster } from "../support/control-plane.ts";

describe("podwire -v", () => {
  it("shows every call on standard error, and nothing that it carries", async () => {
    await using cluster = await startTestCluster();
    const cli = createTestCli({ server: cluster.address });
    const created = await cli.type("-v 6 create secret generic password --from-literal=p=geheim");
    assert.equal(created.stdout, "secret/password created\n");
    assert.match(created.stderr, /^Create 1 manifests: OK in \d+ ms\n$/);
    const { stderr, stdout } = await cli.type("get secret password -o name -v=1");
    assert.equal(stdout, "secret/password\n");
    assert.match(stderr, /^Get Secret default\/password: OK in \d+ ms\n$/);
    assert.match((await cli.type("get pods --v 1")).stderr, /^List Pod default: OK, 1 messages in \d+ ms\nNo resources found/);
    assert.match(
      (await cli.type("get pod nope -v1")).stderr,
      /^Get Pod default\/nope: pods "nope" not found in \d+ ms\nError from server/,
    );
    const byVariable = createTestCli({ server: cluster.address, env: { PODWIRE_V: "1" } });
    assert.match((await byVariable.type("get secret password -o name")).stderr, /^Get Secret/);
    assert.equal((await cli.type("get secret password -v=0 -o name")).stderr, "");
  });
});
