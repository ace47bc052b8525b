/* exec, attach and logs, from the command line to an agent and back. */

import assert from "node:assert/strict";
import { PassThrough, Readable, Writable } from "node:stream";
import { AppError } from "#core/errors.ts";
import { systemClock } from "#process/system-clock.ts";
import type { OpenStream } from "#proto/podwire/v1/agent.ts";
import { runCli } from "../../../cli/run-cli.ts";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import type { FakeAgent, FakeAttach, FakeSession } from "../../support/fake-agent.ts";
import { startFakeCluster } from "../../support/fake-cluster.ts";
import { until } from "../../support/until.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const out = (text: string) => ({ frame: { $case: "stdout" as const, value: bytes(text) } });
const err = (text: string) => ({ frame: { $case: "stderr" as const, value: bytes(text) } });
const exit = (code: number) => ({ frame: { $case: "exit" as const, value: { code } } });

describe("a stream to a pod", () => {
  let cluster: TestCluster;
  let cli: TestCli;
  let agent: FakeAgent;
  let session: FakeSession;
  let taken: number;

  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address });
    ({ agent, session } = await cluster.joinReady("node-1"));
    await cluster.write("create", podManifest("web"));
    await until(() => session.view.pods.size === 1, "the pod on the node");
    const pod = cluster.pod("web");
    assert.ok(pod);
    session.reportRunning(pod);
    await until(() => cluster.pod("web")?.status?.phase === "Running", "the pod's start");
    taken = 0;
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  /** The next stream that the agent is asked for, attached. */
  async function nextStream(): Promise<{ start: NonNullable<OpenStream["start"]>; attach: FakeAttach }> {
    const request = await until(() => session.streams[taken], "a request for a stream");
    taken += 1;
    assert.ok(request.start);
    return { start: request.start, attach: agent.attach(request) };
  }

  const stdinOf = (attach: FakeAttach) =>
    Buffer.concat(attach.inputs.flatMap(({ frame }) => (frame?.$case === "stdin" ? [frame.value] : []))).toString();

  describe("podwire exec", () => {
    it("keeps output and errors apart, and ends with the program's exit code", async () => {
      await using run = cli.start(["exec", "web", "-c", "main", "--", "sh", "-c", "exit 7", "--", "-n"]);
      const { start, attach } = await nextStream();
      assert.deepEqual(start, {
        $case: "exec",
        value: {
          namespace: "default",
          pod: "web",
          container: "main",
          command: ["sh", "-c", "exit 7", "--", "-n"],
          stdin: false,
          tty: false,
        },
      });
      attach.send(out("to out\n"));
      attach.send(err("to err\n"));
      attach.send(exit(7));
      assert.deepEqual(await run.result, {
        code: 7,
        stdout: "to out\n",
        stderr: "to err\ncommand terminated with exit code 7\n",
      });
    });

    it("says nothing of an exit code of 0, nor of any with --quiet", async () => {
      await using good = cli.start(["exec", "pod/web", "--", "true"]);
      (await nextStream()).attach.send(exit(0));
      assert.deepEqual(await good.result, { code: 0, stdout: "", stderr: "" });
      await using quiet = cli.start(["exec", "-q", "web", "--", "false"]);
      (await nextStream()).attach.send(exit(1));
      assert.deepEqual(await quiet.result, { code: 1, stdout: "", stderr: "" });
    });

    it("passes standard input on with -i, in frames of at most 32 KiB, its end as a frame of its own", async () => {
      await using run = cli.start(["exec", "-i", "web", "--", "cat"]);
      const { attach } = await nextStream();
      run.stdin.write("hello ");
      await until(() => stdinOf(attach) === "hello ", "the first words");
      const big = "x".repeat(100_000);
      run.stdin.end(big);
      await until(() => attach.inputs.at(-1)?.frame?.$case === "stdinEnd", "the end of the input");
      assert.equal(stdinOf(attach), `hello ${big}`);
      for (const { frame } of attach.inputs) if (frame?.$case === "stdin") assert.ok(frame.value.length <= 32 * 1024);
      attach.send(exit(0));
      assert.equal((await run.result).code, 0);
    });

    it("returns when the program ends although the input goes on", async () => {
      await using run = cli.start(["exec", "-i", "web", "--", "head", "-c1"]);
      const { attach } = await nextStream();
      run.stdin.write("more than one");
      attach.send(out("m"));
      attach.send(exit(0));
      assert.deepEqual(await run.result, { code: 0, stdout: "m", stderr: "" });
    });

    it("ends the program when it is interrupted", async () => {
      await using run = cli.start(["exec", "web", "--", "sleep", "inf"]);
      const { attach } = await nextStream();
      attach.send(out("begun"));
      await run.sees("begun");
      run.interrupt();
      assert.deepEqual((await run.result).code, 130);
      await attach.ended;
      assert.ok(!attach.inputs.some(({ frame }) => frame?.$case === "stdinEnd"));
    });

    it("reads no more of its input than the program takes", async () => {
      let read = 0;
      const stdin = Readable.from(
        (function* () {
          for (; read < 4_000; read++) yield Buffer.alloc(32 * 1024);
        })(),
        { objectMode: false },
      );
      // A server that never reads a frame past the first.
      await using slow = await startFakeCluster({
        async *exec(requests, { signal }) {
          await requests[Symbol.asyncIterator]().next();
          yield out("begun");
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      });
      const interrupted = new AbortController();
      const began = Promise.withResolvers<void>();
      const stdout = new Writable({
        write(_chunk, _encoding, done) {
          began.resolve();
          done();
        },
      });
      const context = {
        stdin,
        stdout,
        stderr: stdout,
        env: { PODWIRE_SERVER: slow.address },
        signal: interrupted.signal,
        clock: systemClock,
      };
      const run = runCli(["exec", "-i", "web", "-c", "main", "--", "cat"], context);
      await began.promise;
      let before = -1;
      await until(() => {
        const still = read === before;
        before = read;
        return still && read > 0;
      }, "the input to stand still");
      assert.ok(read * 32 * 1024 < 16 * 1024 * 1024, `${read} chunks of 32 KiB were read`);
      interrupted.abort();
      assert.equal(await run, 130);
    });

    it("asks for no terminal where its own input is none, and says so", async () => {
      for (const [flags, said] of [
        ["-it", "Unable to use a TTY - input is not a terminal or the right kind of file\n"],
        ["-itq", ""],
        ["-t", ""],
      ] as const) {
        await using run = cli.start(["exec", flags, "web", "--", "sh"]);
        const { start, attach } = await nextStream();
        assert.ok(start.$case === "exec" && !start.value.tty && start.value.stdin === flags.includes("i"));
        attach.send(exit(0));
        assert.deepEqual(await run.result, { code: 0, stdout: "", stderr: said });
      }
    });

    it("hands its terminal over: every key, the window's size and its changes", async () => {
      const stdin = Object.assign(new PassThrough(), { isTTY: true, raw: [] as boolean[], setRawMode: (_raw: boolean) => {} });
      stdin.setRawMode = (raw) => void stdin.raw.push(raw);
      const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
      const context = { stdin, stdout, stderr: new PassThrough(), env: { PODWIRE_SERVER: cluster.address }, clock: systemClock };
      const run = runCli(["exec", "-it", "web", "--", "sh"], { ...context, signal: new AbortController().signal });
      const { start, attach } = await nextStream();
      assert.ok(start.$case === "exec" && start.value.tty && start.value.stdin);
      const sizes = () => attach.inputs.flatMap(({ frame }) => (frame?.$case === "resize" ? [frame.value] : []));
      await until(() => sizes().length === 1, "the window's size");
      assert.deepEqual(stdin.raw, [true]);
      stdin.write("\x03");
      await until(() => stdinOf(attach) === "\x03", "Ctrl-C, as a key");
      stdout.columns = 120;
      stdout.emit("resize");
      await until(() => sizes().length === 2, "the new size");
      assert.deepEqual(sizes(), [
        { columns: 80, rows: 24 },
        { columns: 120, rows: 24 },
      ]);
      attach.send(exit(3));
      assert.deepEqual([await run, stdin.raw, stdout.listenerCount("resize")], [3, [true, false], 0]);
    });

    it("gives the terminal back when it is interrupted, and when the stream breaks", async () => {
      for (const end of ["interrupt", "break"] as const) {
        const stdin = Object.assign(new PassThrough(), { isTTY: true, raw: [] as boolean[], setRawMode: (_raw: boolean) => {} });
        stdin.setRawMode = (raw) => void stdin.raw.push(raw);
        const interrupted = new AbortController();
        const streams = { stdin, stdout: new PassThrough(), stderr: new PassThrough() };
        const rest = { env: { PODWIRE_SERVER: cluster.address }, clock: systemClock, signal: interrupted.signal };
        const run = runCli(["exec", "-it", "web", "--", "sh"], { ...streams, ...rest });
        const { attach } = await nextStream();
        attach.send(out("$ "));
        await until(() => streams.stdout.readableLength > 0, "the prompt");
        if (end === "interrupt") interrupted.abort();
        else attach.kill();
        assert.deepEqual([await run, stdin.raw], [end === "interrupt" ? 130 : 1, [true, false]]);
      }
    });

    it("says which container it chose where there are several, unless it is to be quiet", async () => {
      const containers = ["first", "second"].map((name) => ({ name, image: "podwire/toolbox", command: ["sleep", "inf"] }));
      await cluster.write("create", podManifest("two", { containers, initContainers: [{ ...containers[0], name: "before" }] }));
      const isTwo = (pod: { metadata?: { name?: string } }) => pod.metadata?.name === "two";
      session.reportRunning(await until(() => [...session.view.pods.values()].find(isTwo), "the pod"));
      await until(() => cluster.pod("two")?.status?.phase === "Running", "its start");
      for (const [flag, said] of [
        ["-i", 'Defaulted container "first" out of: first, second, before (init)\n'],
        ["-q", ""],
        ["-csecond", ""],
      ] as const) {
        await using run = cli.start(["exec", flag, "two", "--", "true"]);
        const { start, attach } = await nextStream();
        assert.equal(start.$case === "exec" ? start.value.container : "", flag === "-csecond" ? "second" : "first");
        attach.send(exit(0));
        assert.deepEqual(await run.result, { code: 0, stdout: "", stderr: said });
      }
    });

    it("says so where the stream breaks before the program ends", async () => {
      await using broken = await startFakeCluster({
        async *exec() {
          yield out("half");
        },
      });
      const { code, stdout, stderr } = await createTestCli({ server: broken.address }).type("exec web -c main -- ls");
      assert.deepEqual([code, stdout], [1, "half"]);
      assert.match(stderr, /^error: the stream ended before the command did/);
    });

    it("passes on why a program can't run", async () => {
      await using run = cli.start(["exec", "web", "--", "nope"]);
      (await nextStream()).attach.send({
        frame: { $case: "error", value: { kind: "not-found", message: "nope: no such program" } },
      });
      assert.deepEqual(await run.result, { code: 1, stdout: "", stderr: "error: nope: no such program\n" });
    });

    const wrong: readonly (readonly [line: string, stderr: RegExp])[] = [
      ["exec", /^error: pod, type\/name or --filename must be specified/],
      ["exec web", /^error: you must specify at least one command for the container/],
      ["exec web ls", /^error: exec \[POD\] \[COMMAND\] is not supported anymore\. Use exec \[POD\] -- \[COMMAND\] instead/],
      ["exec node/node-1 -- ls", /^error: node\/node-1 is no pod/],
      ["exec nope -- ls", /^Error from server \(NotFound\): pods "nope" not found/],
      ["exec web -c side -- ls", /container side is not valid for pod web/],
    ];
    for (const [line, stderr] of wrong) {
      it(`refuses ${line}`, async () => {
        const result = await cli.type(line);
        assert.deepEqual([result.code, result.stdout], [1, ""]);
        assert.match(result.stderr, stderr);
      });
    }
  });

  describe("podwire attach", () => {
    it("prints what the container prints, and ends with it", async () => {
      await using run = cli.start(["attach", "web"]);
      const { start, attach } = await nextStream();
      assert.deepEqual(start, { $case: "attach", value: { namespace: "default", pod: "web", container: "main", stdin: false } });
      attach.send(out("from now on\n"));
      attach.send(exit(0));
      assert.deepEqual(await run.result, { code: 0, stdout: "from now on\n", stderr: "" });
    });

    it("passes standard input on with -i, and says that no container has a terminal", async () => {
      await using run = cli.start(["attach", "-it", "pod/web", "-c", "main"]);
      const { start, attach } = await nextStream();
      assert.ok(start.$case === "attach" && start.value.stdin);
      run.stdin.end("stop\n");
      await until(() => attach.inputs.at(-1)?.frame?.$case === "stdinEnd", "the end of the input");
      assert.equal(stdinOf(attach), "stop\n");
      attach.send(exit(0));
      const stderr = "error: Unable to use a TTY - container main did not allocate one\n";
      assert.deepEqual(await run.result, { code: 0, stdout: "", stderr });
    });

    it("leaves the container alone when it is interrupted", async () => {
      await using run = cli.start(["attach", "web"]);
      const { attach } = await nextStream();
      attach.send(out("up"));
      await run.sees("up");
      run.interrupt();
      assert.equal((await run.result).code, 130);
      await attach.ended;
    });

    const wrong: readonly (readonly [line: string, stderr: RegExp])[] = [
      ["attach", /^error: at least 1 argument is required for attach/],
      ["attach web main", /^error: expected POD, TYPE\/NAME, or TYPE NAME, got 2 arguments/],
      ["attach nope", /^Error from server \(NotFound\): pods "nope" not found/],
      ["attach web -c side", /container side is not valid for pod web/],
    ];
    for (const [line, stderr] of wrong) {
      it(`refuses ${line}`, async () => {
        const result = await cli.type(line);
        assert.deepEqual([result.code, result.stdout], [1, ""]);
        assert.match(result.stderr, stderr);
      });
    }
  });

  describe("podwire logs", () => {
    it("prints what was written, as it was written", async () => {
      await using run = cli.start(["logs", "web", "--tail=2", "--timestamps", "-c", "main"]);
      const { start, attach } = await nextStream();
      assert.deepEqual(start, {
        $case: "logs",
        value: {
          namespace: "default",
          pod: "web",
          container: "main",
          follow: false,
          tailLines: 2,
          previous: false,
          timestamps: true,
          sinceSeconds: undefined,
          sinceTime: undefined,
          limitBytes: undefined,
        },
      });
      attach.send(out("raw \u001b[1m bytes"));
      attach.send(exit(0));
      assert.deepEqual(await run.result, { code: 0, stdout: "raw \u001b[1m bytes", stderr: "" });
    });

    it("follows until it is interrupted, and then the agent's stream ends too", async () => {
      await using run = cli.start(["logs", "-f", "pod/web"]);
      const { start, attach } = await nextStream();
      assert.ok(start.$case === "logs" && start.value.follow && start.value.tailLines === undefined);
      attach.send(out("one\n"));
      await run.sees("one");
      attach.send(out("two\n"));
      await run.sees("two");
      run.interrupt();
      assert.equal((await run.result).code, 130);
      await attach.ended;
    });

    it("asks for what is newer, and for so many bytes", async () => {
      for (const [flag, want] of [
        ["--since=90s", { sinceSeconds: 90 }],
        ["--since=100ms", { sinceSeconds: 1 }],
        ["--since=0s", { sinceSeconds: undefined }],
        ["--since-time=2030-01-02T15:04:05Z", { sinceTime: "2030-01-02T15:04:05Z" }],
        ["--limit-bytes=10", { limitBytes: 10 }],
        ["--limit-bytes=0", { limitBytes: undefined }],
      ] as const) {
        await using run = cli.start(["logs", "web", flag]);
        const { start, attach } = await nextStream();
        assert.ok(start.$case === "logs");
        assert.deepEqual(start.value, { ...start.value, ...want });
        attach.send(exit(0));
        assert.equal((await run.result).code, 0);
      }
    });

    describe("of several", () => {
      const containers = ["one", "two"].map((name) => ({ name, image: "podwire/toolbox", command: ["sleep", "inf"] }));

      beforeEach(async () => {
        const labels = { app: "many" };
        for (const name of ["many-a", "many-b"]) await cluster.write("create", podManifest(name, { containers }, { labels }));
        const many = () => [...session.view.pods.values()].filter((pod) => pod.metadata?.labels.app === "many");
        for (const pod of await until(() => many().length === 2 && many(), "the pods")) session.reportRunning(pod);
        await until(() => ["many-a", "many-b"].every((name) => cluster.pod(name)?.status?.phase === "Running"), "their start");
      });

      it("prints one after the other, each line whole and with its origin", async () => {
        await using run = cli.start(["logs", "many-a", "--all-containers", "--prefix"]);
        const first = await nextStream();
        assert.ok(first.start.$case === "logs" && first.start.value.container === "one" && !first.start.value.follow);
        first.attach.send(out("1\nha"));
        first.attach.send(out("lf\nno end"));
        first.attach.send(exit(0));
        const second = await nextStream();
        second.attach.send(out("2\n"));
        second.attach.send(exit(0));
        const stdout = "[pod/many-a/one] 1\n[pod/many-a/one] half\n[pod/many-a/one] no end[pod/many-a/two] 2\n";
        assert.deepEqual(await run.result, { code: 0, stdout, stderr: "" });
      });

      it("follows all that a selector finds, from their last 10 lines, never mixing lines", async () => {
        await using run = cli.start(["logs", "-l", "app=many", "-f", "-c", "two"]);
        const [a, b] = [await nextStream(), await nextStream()];
        for (const { start } of [a, b]) assert.ok(start.$case === "logs" && start.value.tailLines === 10 && start.value.follow);
        a.attach.send(out("a half"));
        b.attach.send(out("b whole\n"));
        await run.sees("b whole\n");
        a.attach.send(out(" and the rest\n"));
        for (const { attach } of [a, b]) attach.send(exit(0));
        assert.deepEqual(await run.result, { code: 0, stdout: "b whole\na half and the rest\n", stderr: "" });
      });

      it("says which containers it chose", async () => {
        await using run = cli.start(["logs", "-l", "app=many"]);
        for (let i = 0; i < 2; i++) (await nextStream()).attach.send(exit(0));
        const note = 'Defaulted container "one" out of: one, two\n';
        assert.deepEqual(await run.result, { code: 0, stdout: "", stderr: `${note}${note}` });
      });

      it("ends all when one can't be had, unless errors are to be ignored", async () => {
        const gone = { frame: { $case: "error" as const, value: { kind: "invalid", message: "no such log" } } };
        await using run = cli.start(["logs", "-l", "app=many", "-c", "one", "-f"]);
        const other = await nextStream();
        other.attach.send(out("up\n"));
        await run.sees("up");
        (await nextStream()).attach.send(gone);
        assert.deepEqual(await run.result, { code: 1, stdout: "up\n", stderr: "error: no such log\n" });
        await other.attach.ended;
        await using tolerant = cli.start(["logs", "-l", "app=many", "-c", "one", "--ignore-errors"]);
        (await nextStream()).attach.send(gone);
        const next = await nextStream();
        next.attach.send(out("there\n"));
        next.attach.send(exit(0));
        assert.deepEqual(await tolerant.result, { code: 0, stdout: "there\n", stderr: "error: no such log\n" });
      });

      it("follows no more than --max-log-requests", async () => {
        const { code, stderr } = await cli.type("logs -l app=many --all-containers -f --max-log-requests=3");
        const want =
          "error: you are attempting to follow 4 log streams, but maximum allowed concurrency is 3, use --max-log-requests to increase the limit\n";
        assert.deepEqual([code, stderr], [1, want]);
      });

      it("says so where the selector finds none", async () => {
        const stderr = "No resources found in default namespace.\n";
        assert.deepEqual(await cli.type("logs -l app=none"), { code: 0, stdout: "", stderr });
      });
    });

    it("ends without a word when its reader leaves", async () => {
      await using endless = await startFakeCluster({
        async *logs(_request, { signal }) {
          while (!signal.aborted) yield out("line\n");
        },
      });
      const stderr: string[] = [];
      const stdout = new Writable({
        write: (_chunk, _encoding, done) => done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
      });
      const code = await runCli(["logs", "-f", "web", "-c", "main"], {
        stdin: Readable.from([]),
        stdout,
        stderr: new Writable({
          write(chunk, _encoding, done) {
            stderr.push(String(chunk));
            done();
          },
        }),
        env: { PODWIRE_SERVER: endless.address },
        signal: new AbortController().signal,
        clock: systemClock,
      });
      assert.deepEqual([code, stderr], [141, []]);
    });

    it("says what the server says where the log can't be had", async () => {
      await using refusing = await startFakeCluster({
        logs: () => {
          throw new AppError("failed-precondition", 'container "main" in pod "web" is waiting to start', {
            reason: "BadRequest",
          });
        },
      });
      const result = await createTestCli({ server: refusing.address }).type("logs web -c main");
      assert.deepEqual(result, {
        code: 1,
        stdout: "",
        stderr: 'Error from server (BadRequest): container "main" in pod "web" is waiting to start\n',
      });
    });

    const wrong: readonly (readonly [line: string, stderr: RegExp])[] = [
      ["logs", /^error: expected 'logs \(POD \| TYPE\/NAME\) \[CONTAINER_NAME\]'/],
      ["logs web a b", /^error: logs takes a pod and a container, not also b/],
      ["logs web a -c b", /^error: only one of -c or an inline \[CONTAINER\] arg is allowed/],
      ["logs web --tail=-2", /^error: --tail must be greater than or equal to -1/],
      ["logs web --tail=ten", /^error: invalid argument "ten" for "--tail" flag: must be a whole number/],
      ["logs web --since=-1s", /^error: --since must be greater than 0/],
      ["logs web --since=1", /^error: invalid argument "1" for "--since" flag/],
      ["logs web --since=1s --since-time=2030-01-02T15:04:05Z", /^error: at most one of `sinceTime` or `sinceSeconds`/],
      ["logs web --since-time=yesterday", /^error: --since-time "yesterday" is no time/],
      ["logs web --limit-bytes=-1", /^error: --limit-bytes must be greater than 0/],
      ["logs web -l app=web", /^error: only a selector \(-l\) or a POD name is allowed/],
      ["logs web -c main --all-containers", /^error: --all-containers=true should not be specified with container name main/],
      ["logs web -p", /^Error from server \(BadRequest\): previous terminated container "main" in pod "web" not found/],
      ["logs nope", /^Error from server \(NotFound\): pods "nope" not found/],
    ];
    for (const [line, stderr] of wrong) {
      it(`refuses ${line}`, async () => {
        const result = await cli.type(line);
        assert.deepEqual([result.code, result.stdout], [1, ""]);
        assert.match(result.stderr, stderr);
      });
    }
  });
});
