import assert from "node:assert/strict";
import { AppError } from "#core/errors.ts";
import { verbs } from "../../cli/verbs/list.ts";
import { createTestCli } from "../support/cli.ts";
import { startFakeCluster } from "../support/fake-cluster.ts";

const cli = createTestCli();

describe("the command line", () => {
  it("alone, or asked for help, lists every verb in its group", async () => {
    for (const argv of [[], ["help"], ["--help"], ["-h"]]) {
      const { code, stdout, stderr } = await cli.run(argv);
      assert.deepEqual([code, stderr], [0, ""]);
      for (const { name, hidden } of verbs) assert.equal(new RegExp(`^  ${name} +\\S`, "m").test(stdout), hidden !== true, name);
      for (const verb of verbs) assert.ok(stdout.includes(`${verb.group}:\n`));
    }
  });

  for (const verb of verbs) {
    it(`explains ${verb.name} with flags and examples, in two ways`, async () => {
      const [help, flag] = await Promise.all([cli.run(["help", verb.name]), cli.run([verb.name, "--help"])]);
      assert.deepEqual(help, flag);
      assert.equal(help.code, 0);
      assert.match(help.stdout, new RegExp(`^Usage: podwire ${verb.name} `));
      assert.match(help.stdout, /\nGlobal Flags:\n/);
      assert.match(help.stdout, new RegExp(`\nExamples:\n.*podwire ${verb.name}`, "s"));
    });
  }

  it("tells default times as people write them", async () => {
    const { stdout } = await cli.run(["wait", "--help"]);
    assert.match(stdout, /--timeout <duration>.*\(default:\s+30s\)/s);
  });

  const wrong: readonly (readonly [line: string, stderr: string])[] = [
    ["gte pods", 'error: unknown command "gte" for "podwire"\n\nDid you mean this?\n\tget\n'],
    ["help gte", 'error: unknown command "gte" for "podwire"\n\nDid you mean this?\n\tget\n'],
    ["frobnicate", `error: unknown command "frobnicate" for "podwire"\nRun 'podwire help' for the list of commands.\n`],
    [
      "get pods --waatch",
      "error: unknown flag: --waatch\n\nDid you mean this?\n\t--watch\nSee 'podwire get --help' for usage.\n",
    ],
    ["get pods --frob=1", "error: unknown flag: --frob\nSee 'podwire get --help' for usage.\n"],
    ["get pods -x", "error: unknown shorthand flag: 'x' in -x\nSee 'podwire get --help' for usage.\n"],
    ["get pods -n", "error: flag needs an argument: -n\nSee 'podwire get --help' for usage.\n"],
    ["--frob get pods", "error: unknown flag: --frob\nSee 'podwire --help' for usage.\n"],
    ["--namespace", "error: flag needs an argument: -n\nSee 'podwire --help' for usage.\n"],
    [
      "get pods --request-timeout=soon",
      'error: invalid argument "soon" for "--request-timeout" flag: want seconds or a duration such as 1m30s\nSee \'podwire get --help\' for usage.\n',
    ],
  ];
  for (const [line, stderr] of wrong) {
    it(`refuses ${line}`, async () => assert.deepEqual(await cli.type(line), { code: 1, stdout: "", stderr }));
  }

  it("reads flags as kubectl does: joined, with =, with =true and =false, before the verb and behind it", async () => {
    const asked: object[] = [];
    await using cluster = await startFakeCluster({
      async *list(request) {
        asked.push({ kind: request.kind, namespace: request.namespace, labels: request.labelSelector });
        yield { resourceVersion: "1", items: [] };
      },
    });
    const connected = createTestCli({ server: cluster.address, env: { PODWIRE_NAMESPACE: "from-env" } });
    const lines = [
      "get pods",
      "-n a get pods",
      "get pods -na",
      "get -n=a pods",
      "get pods --namespace=a --watch=false",
      "get pods -A=true -la=b",
      "get -- pods",
    ];
    for (const line of lines) assert.equal((await connected.type(line)).code, 0, line);
    const pods = (namespace: string, labels = "") => ({ kind: "Pod", namespace, labels });
    assert.deepEqual(asked, [pods("from-env"), pods("a"), pods("a"), pods("a"), pods("a"), pods("", "a=b"), pods("from-env")]);
  });
});

describe("an error of the server", () => {
  const cases: readonly { error: Error; stderr: string }[] = [
    {
      error: new AppError("not-found", 'pods "x" not found', { reason: "NotFound" }),
      stderr: 'Error from server (NotFound): pods "x" not found\n',
    },
    { error: new AppError("forbidden", "not yours"), stderr: "Error from server (Forbidden): not yours\n" },
    { error: new AppError("exhausted", "too much"), stderr: "Error from server (TooManyRequests): too much\n" },
    { error: new AppError("invalid", 'Pod "x" is invalid: …', { reason: "Invalid" }), stderr: 'The Pod "x" is invalid: …\n' },
    {
      error: new AppError("unauthenticated", "no token"),
      stderr: "error: You must be logged in to the server (no token): name the token with --token-file FILE\n",
    },
    {
      error: new Error("secret"),
      stderr: "Error from server (InternalError): internal error; the control plane's log has it\n",
    },
  ];
  for (const { error, stderr } of cases) {
    it(`prints ${JSON.stringify(stderr.trim())}`, async () => {
      await using cluster = await startFakeCluster({
        list: () => {
          throw error;
        },
      });
      assert.deepEqual(await createTestCli({ server: cluster.address }).type("get pods"), { code: 1, stdout: "", stderr });
    });
  }

  it("is a time that ran out where --request-timeout says so", async () => {
    await using cluster = await startFakeCluster({
      async *list(_request, { signal }) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    });
    const { code, stderr } = await createTestCli({ server: cluster.address }).type("get pods --request-timeout=50ms");
    assert.deepEqual([code, stderr], [1, `error: ${cluster.address} did not answer within 50 ms (--request-timeout)\n`]);
  });
});
