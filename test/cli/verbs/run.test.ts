import assert from "node:assert/strict";
import { podKind } from "#core/objects/pod.ts";
import { type Pod, PodStatus } from "#proto/podwire/v1/resources.ts";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import type { FakeAgent, FakeSession } from "../../support/fake-agent.ts";
import { startFakeCluster } from "../../support/fake-cluster.ts";
import { until } from "../../support/until.ts";

describe("podwire run with a pod's output", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  let agent: FakeAgent;
  let session: FakeSession;
  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address });
    ({ agent, session } = await cluster.joinReady("node-1"));
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  const podOnNode = () => until(() => [...session.view.pods.values()][0], "the pod on its node");
  const nextStream = async () => {
    const request = await until(() => session.streams[0], "a request for a stream");
    return { start: request.start, attach: agent.attach(request) };
  };
  const reportEnded = (pod: Pod, { exitCode }: { exitCode: number }) => {
    const { name = "", namespace = "", uid = "" } = pod.metadata ?? {};
    const state = { terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error" } };
    const containerStatuses = [{ name, ready: false, restartCount: 0, state }];
    const status = { phase: exitCode === 0 ? "Succeeded" : "Failed", containerStatuses };
    session.report({ namespace, name, uid, status: PodStatus.fromJSON(status) });
  };
  const stdout = (text: string) => ({ frame: { $case: "stdout" as const, value: new Uint8Array(Buffer.from(text)) } });
  const exit = { frame: { $case: "exit" as const, value: { code: 0 } } };
  const image = ["--image=podwire/toolbox", "--restart=Never"];

  it("prints it from its start, and ends with the container's exit code", async () => {
    await using run = cli.start(["run", "once", ...image, "--attach", "--command", "--", "sh"]);
    const pod = await podOnNode();
    session.reportRunning(pod);
    const { start, attach } = await nextStream();
    assert.ok(start?.$case === "logs" && start.value.follow);
    attach.send(stdout("done\n"));
    attach.send(exit);
    reportEnded(pod, { exitCode: 3 });
    assert.deepEqual(await run.result, { code: 3, stdout: "done\n", stderr: "" });
    assert.ok(cluster.pod("once"));
  });

  for (const [flags, want] of [
    [["-i"], { stdin: true, stdinOnce: true }],
    [["-i", "--leave-stdin-open"], { stdin: true }],
    [["--attach"], {}],
  ] as const) {
    it(`gives the container with ${flags.join(" ")} the input ${JSON.stringify(want)}`, async () => {
      await using _run = cli.start(["run", "once", ...image, ...flags, "--command", "--", "cat"]);
      const { stdin, stdinOnce } = (await podOnNode()).spec?.containers[0] ?? {};
      assert.deepEqual({ ...(stdin ? { stdin } : {}), ...(stdinOnce ? { stdinOnce } : {}) }, want);
    });
  }

  it("passes standard input on with -i, and deletes the pod with --rm", async () => {
    await using run = cli.start(["run", "once", ...image, "-i", "--rm", "--command", "--", "cat"]);
    const pod = await podOnNode();
    session.reportRunning(pod);
    const { start, attach } = await nextStream();
    assert.ok(start?.$case === "attach" && start.value.stdin);
    run.stdin.end("hello");
    await until(() => attach.inputs.at(-1)?.frame?.$case === "stdinEnd", "the end of the input");
    attach.send(stdout("hello"));
    attach.send(exit);
    reportEnded(pod, { exitCode: 0 });
    const stdoutText = 'hellopod "once" deleted from default namespace\n';
    assert.deepEqual(await run.result, { code: 0, stdout: stdoutText, stderr: "" });
    await until(
      () => cluster.pod("once")?.metadata?.deletionTimestamp !== undefined || cluster.pod("once") === undefined,
      "its deletion",
    );
  });

  it("prints the log of a container that ended before it could be attached to", async () => {
    const containerStatuses = [{ name: "once", ready: false, restartCount: 0 }];
    const pod = (phase: string, state: object) =>
      podKind.wrap(
        podKind.fromJson({
          metadata: { name: "once", uid: "u", resourceVersion: "1" },
          status: { phase, containerStatuses: [{ ...containerStatuses[0], state }] },
        }),
      );
    let watches = 0;
    await using fake = await startFakeCluster({
      create: async () => ({ results: [{ object: pod("Pending", {}), warnings: [], action: "created" }] }),
      async *watch() {
        watches += 1;
        const object = watches === 1 ? pod("Running", { running: {} }) : pod("Failed", { terminated: { exitCode: 3 } });
        yield { resourceVersion: "1", synced: true, events: [{ type: "ADDED", object }] };
      },
      get: async () => pod("Running", { running: {} }),
      async *attach() {
        yield { frame: { $case: "error", value: { kind: "invalid", message: "cannot attach a container in a completed pod" } } };
      },
      async *logs() {
        yield stdout("done\n");
        yield exit;
      },
    });
    const argv = ["run", "once", ...image, "-i", "--command", "--", "sh"];
    assert.deepEqual(await createTestCli({ server: fake.address }).run(argv), { code: 3, stdout: "done\n", stderr: "" });
  });

  it("says so where the pod does not start in time, and removes it then too", async () => {
    const { code, stderr } = await cli.run(["run", "once", ...image, "--attach", "--rm", "--pod-running-timeout=50ms"]);
    assert.deepEqual([code, stderr], [1, "error: timed out waiting for the condition: pod once has not started\n"]);
    assert.notEqual(cluster.pod("once")?.metadata?.deletionTimestamp, undefined);
  });

  const wrong: readonly (readonly [line: string, stderr: string])[] = [
    ["run web --image=x --rm", "error: --rm should only be used for attached containers\n"],
    ["run web --image=x -t", "error: -i/--stdin is required for containers with -t/--tty=true\n"],
    [
      "run web --image=x -i --dry-run=client",
      "error: --dry-run can't be used with attached containers options (--attach, --stdin, or --tty)\n",
    ],
  ];
  for (const [line, stderr] of wrong) {
    it(`refuses ${line}`, async () => assert.deepEqual(await cli.type(line), { code: 1, stdout: "", stderr }));
  }
});
