import assert from "node:assert/strict";
import { createTestCli } from "../../support/cli.ts";

describe("podwire node", () => {
  const see = "\nSee 'podwire node --help' for usage.\n";
  const wrong: readonly (readonly [line: string, stderr: string])[] = [
    ["node", `error: what to do is missing: want add, start, stop, kill, remove, list${see}`],
    ["node reboot node-1", `error: unknown command "reboot": want add, start, stop, kill, remove, list${see}`],
    ["node toString", `error: unknown command "toString": want add, start, stop, kill, remove, list${see}`],
    ["node stop", `error: node stop wants NAME…${see}`],
    ["node add node-7", `error: node add takes no names, got node-7${see}`],
    ["node stop node-1 --zone a", `error: --zone is no flag of node stop, but of node add${see}`],
    ["node kill node-1 --timeout 1s", `error: --timeout is no flag of node kill, but of node stop and remove${see}`],
    ["node list --no-wait", `error: --no-wait is no flag of node list, but of node add and start${see}`],
    ["node add --count 0", `error: invalid argument "0" for "--count" flag: want a number from 1${see}`],
    ["node add --count two", `error: invalid argument "two" for "--count" flag: must be a whole number${see}`],
    [
      "node stop node-1 --timeout 5",
      `error: invalid argument "5" for "--timeout" flag: want a number with a unit, such as 30s, 1m30s or 500ms${see}`,
    ],
    [
      "node list --server 127.0.0.1:1",
      "error: --server names any control plane, but only a cluster that `podwire up` made on this machine has hosts to add and stop: name it with --cluster\n",
    ],
    [
      "node list",
      "error: no cluster is running on this machine. Start one with `podwire up`, or name one with --server ADDRESS\n",
    ],
  ];
  for (const [line, stderr] of wrong) {
    it(`refuses ${line}`, async () => assert.deepEqual(await createTestCli().type(line), { code: 1, stdout: "", stderr }));
  }

  it("refuses a zone that can't be a label's value", async () => {
    const { code, stderr } = await createTestCli().run(["node", "add", "--zone", "a zone"]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: invalid argument "a zone" for "--zone" flag: a valid label must/);
  });
});
