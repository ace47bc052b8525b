import assert from "node:assert/strict";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";

const event = (name: string, object: string, at: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name, namespace: "default" },
  involvedObject: { kind: object.split("/")[0], namespace: "default", name: object.split("/")[1] },
  ...{ type: "Normal", reason: "Started", message: "Started container main", firstTimestamp: at, lastTimestamp: at, count: 1 },
  ...more,
});

describe("podwire events", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    const repeated = { type: "Warning", reason: "BackOff", message: "again", count: 3, lastTimestamp: "2025-12-31T23:59:30Z" };
    await cluster.write("create", [
      event("a", "Pod/web", "2025-12-31T23:50:00Z", repeated),
      event("b", "Pod/db", "2025-12-31T23:59:00Z"),
    ]);
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  it("prints the latest last, repetitions in one line", async () => {
    const stdout = [
      "LAST SEEN           TYPE      REASON    OBJECT    MESSAGE",
      "60s                 Normal    Started   Pod/db    Started container main",
      "30s (x3 over 10m)   Warning   BackOff   Pod/web   again",
      "",
    ].join("\n");
    assert.deepEqual(await cli.type("events"), { code: 0, stdout, stderr: "" });
  });

  it("prints those of an object, of a type, of all namespaces", async () => {
    assert.match((await cli.type("events --for pod/db --no-headers")).stdout, /^60s +Normal +Started +Pod\/db .*\n$/);
    assert.match((await cli.type("events --types=warning --no-headers")).stdout, /^30s .*BackOff .*\n$/);
    assert.match((await cli.type("events -A")).stdout, /^NAMESPACE +LAST SEEN .*\ndefault +60s .*\ndefault +30s .*\n$/);
    assert.equal((await cli.type("events -o name")).stdout, "event/b\nevent/a\n");
  });

  it("goes on with --watch", async () => {
    await using watch = cli.start(["events", "--for", "pod/web", "-w"]);
    await watch.sees("BackOff");
    await cluster.write("create", [
      event("c", "Pod/db", "2026-01-01T00:00:00Z"),
      event("d", "Pod/web", "2026-01-01T00:00:00Z", { reason: "Killing" }),
    ]);
    await watch.sees("Killing");
    assert.doesNotMatch(watch.stdout, /Pod\/db/);
    assert.equal(watch.stdout.match(/LAST SEEN/g)?.length, 1);
  });

  const cases: readonly { line: string; stderr: string; code: number }[] = [
    { line: "events -n shop", stderr: "No events found in shop namespace.\n", code: 0 },
    {
      line: "events --types=Odd",
      stderr: "error: valid --types are Normal or Warning\nSee 'podwire events --help' for usage.\n",
      code: 1,
    },
    {
      line: "events --for web",
      stderr: "error: --for must be in KIND/NAME form, not \"web\"\nSee 'podwire events --help' for usage.\n",
      code: 1,
    },
    { line: "events web", stderr: 'error: unexpected argument "web": name an object with --for KIND/NAME\n', code: 1 },
  ];
  for (const { line, stderr, code } of cases) {
    it(line, async () => assert.deepEqual(await cli.type(line), { code, stdout: "", stderr }));
  }
});
