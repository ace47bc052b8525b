/* exec, attach, logs, port-forward and cp as a user meets them, on a real terminal too. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { clusterPaths } from "#process/cluster-paths.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { StreamOutput } from "#proto/podwire/v1/streams.ts";
import { createRpcClient } from "#rpc/client.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { startPodwire } from "../support/podwire.ts";
import { clusterTraces } from "../support/proc.ts";
import { typePodwire } from "../support/typed-podwire.ts";
import { until } from "../support/until.ts";

const image = "podwire/toolbox";
const counting = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done";
const web = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", labels: { app: "web" } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      { name: "main", image, command: ["sh", "-c", counting] },
      { name: "server", image, args: ["http-server", "--port", "8080"], ports: [{ name: "http", containerPort: 8080 }] },
    ],
  },
};
const talker = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "talker" },
  spec: {
    containers: [{ name: "main", image, stdin: true, command: ["sh", "-c", 'while read word; do echo "got $word"; done'] }],
    restartPolicy: "Never",
  },
};

describe("streams of a cluster", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    await cluster.makePods(web, talker);
  });
  after(async () => {
    await cluster[Symbol.asyncDispose]();
    assert.deepEqual(clusterTraces(), []);
  });

  describe("exec on the user's terminal", () => {
    const type = (...args: readonly string[]) => typePodwire(args, { env: cluster.env });

    it("is a shell with the window's size, which follows the window, and with Ctrl-C, and gives the terminal back", async () => {
      using typed = type("exec", "-it", "web", "-c", "main", "--", "sh", "-i");
      const before = await typed.modes();
      await typed.shows("# ");
      assert.notEqual(await typed.modes(), before, "keys go through as they are");
      typed.terminal.stream.write("stty size\r");
      await typed.shows("40 120");
      typed.terminal.resize({ columns: 81, rows: 25 });
      await until(() => {
        typed.terminal.stream.write("stty size\r");
        return typed.shown().includes("25 81");
      }, "the new size");
      typed.terminal.stream.write("sleep 1000\r");
      await typed.shows("sleep 1000");
      typed.terminal.stream.write("\x03");
      typed.terminal.stream.write("echo st''ill; exit 3\r");
      await typed.shows("still");
      assert.equal(await typed.code, 3);
      await typed.shows("command terminated with exit code 3");
      assert.equal(await typed.modes(), before);
    });

    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      it(`gives the terminal back when ${name} ends the command`, async () => {
        using typed = type("exec", "-itq", "web", "-c", "main", "--", "sh", "-c", "echo up; exec sleep 1000");
        const before = await typed.modes();
        await typed.shows("up");
        process.kill(typed.pid, name);
        assert.equal(await typed.code, 130);
        assert.equal(await typed.modes(), before);
      });
    }
  });

  describe("cp", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "podwire-cp-"));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it("brings a file there and back", async () => {
      const bytes = Buffer.alloc(3_000_000, "content ");
      writeFileSync(join(folder, "there"), bytes);
      await cluster.run("cp", join(folder, "there"), "web:/tmp/copy", "-c", "main");
      assert.equal(await cluster.run("exec", "web", "-c", "main", "--", "stat", "-c", "%s", "/tmp/copy"), "3000000\n");
      await cluster.run("cp", "default/web:/tmp/copy", join(folder, "back"), "-c", "main");
      assert.ok(readFileSync(join(folder, "back")).equals(bytes));
    });

    it("brings a folder there, into one that exists, and back", async () => {
      mkdirSync(join(folder, "tree", "deep"), { recursive: true });
      writeFileSync(join(folder, "tree", "deep", "leaf"), "leaf");
      await cluster.run("cp", join(folder, "tree"), "web:/tmp", "-c", "main");
      assert.equal(await cluster.run("exec", "web", "-c", "main", "--", "cat", "/tmp/tree/deep/leaf"), "leaf");
      await cluster.run("cp", "web:/tmp/tree", join(folder, "copy"), "-c", "main");
      assert.equal(readFileSync(join(folder, "copy", "deep", "leaf"), "utf8"), "leaf");
    });

    it("says what is wrong", async () => {
      const wrong: readonly (readonly [args: readonly string[], stderr: RegExp])[] = [
        [
          ["web:/tmp/none", join(folder, "x"), "-c", "main"],
          /none: .*No such file or directory[\s\S]*command terminated with exit code 2/,
        ],
        [[join(folder, "none"), "web:/tmp/x"], /^error: .*none doesn't exist in local filesystem/],
        [["a", "b"], /^error: one of src or dest must be a remote file specification/],
        [["web:/a", "web:/b"], /^error: one of src or dest must be a local file specification/],
        [["web:/a"], /^error: source and destination are required/],
        [["nope:/a", folder], /^Error from server \(NotFound\): pods "nope" not found/],
      ];
      for (const [args, stderr] of wrong) {
        const result = await cluster.podwire("cp", ...args);
        assert.notEqual(result.code, 0);
        assert.match(result.stderr, stderr);
      }
    });
  });

  it("attach -i feeds the container's input, and attach shows what it says", async () => {
    await using watching = cluster.start("attach", "talker");
    // Until the watcher is there, it misses what is said.
    await until(async () => {
      await using typing = startPodwire(["attach", "-i", "talker"], { env: cluster.env, stdin: "hello\n" });
      await typing.says("got hello");
      return watching.stdout.includes("got hello");
    }, "the answer at the other who attached");
    assert.match(await cluster.run("logs", "talker"), /^got hello\n/);
  });

  it("port-forward leads to the pod, and goes on when its container starts again", async () => {
    await using run = cluster.start("port-forward", "pod/web", ":http");
    const port = await until(() => /127\.0\.0\.1:(\d+) -> 8080/.exec(run.stdout)?.[1], "the local port");
    assert.match(await fetchFrom(port), /^Hello from web at 127\.0\.0\.1/);
    await cluster.run("exec", "web", "-c", "server", "--", "sh", "-c", "kill -KILL -1").catch(() => {});
    await until(
      async () => (await cluster.pod("web")).status?.containerStatuses.some(({ restartCount = 0 }) => restartCount > 0),
      "the restart",
    );
    assert.match(await until(() => fetchFrom(port).catch(() => ""), "an answer", 30_000), /^Hello from web/);
  });

  it("logs --previous are of the run before the restart", async () => {
    assert.equal(await cluster.run("logs", "web", "-c", "server", "--previous"), "listening on port 8080\n");
    const { code, stderr } = await cluster.podwire("logs", "web", "--previous");
    assert.equal(code, 1);
    const refusal = 'Error from server (BadRequest): previous terminated container "main" in pod "web" not found\n';
    assert.equal(stderr, `Defaulted container "main" out of: main, server\n${refusal}`);
  });

  it("logs are of all containers, by time, with their origin", async () => {
    const lines = (await cluster.run("logs", "web", "--all-containers", "--prefix", "--tail=1")).trim().split("\n");
    assert.match(lines[0] ?? "", /^\[pod\/web\/main\] line \d+$/);
    assert.match(lines[1] ?? "", /^\[pod\/web\/server\] listening/);
    const stamped = (await cluster.run("logs", "web", "-c", "main", "--timestamps", "--tail=5")).trim().split("\n");
    const times = stamped.map((line) => Date.parse(line.split(" ")[0] ?? ""));
    assert.ok(
      times.every((time, i) => time > Date.now() - 60_000 && time >= (times[i - 1] ?? 0)),
      stamped.join("\n"),
    );
    const count = async (...flags: readonly string[]) =>
      (await cluster.run("logs", "web", "-c", "main", ...flags)).trim().split("\n").length;
    const all = await until(async () => {
      const lines = await count();
      return lines > 45 && lines;
    }, "lines of more than 4 s");
    const recent = await count("--since=2s");
    assert.ok(recent < all && recent >= 10, `${recent} of ${all} lines are of the last 2 s`);
  });

  it("200 that their users break off at any moment leave no process and no descriptor", async () => {
    const pod = await cluster.pod("web");
    const node = pod.spec?.nodeName ?? "";
    const agent = cluster.pids.agent(node);
    const daemons = [agent, cluster.pids.controlPlane];
    // What is opened once, at the first stream.
    await cluster.run("exec", "web", "-c", "main", "--", "true");
    const processes = () => cluster.processes().filter(({ argv }) => !argv.includes("sleep")).length;
    const descriptors = () => daemons.map((pid) => readdirSync(`/proc/${pid}/fd`).length);
    const before = { processes: processes(), descriptors: descriptors() };
    using client = createRpcClient(ClusterService, { address: `unix:${clusterPaths(cluster.name, cluster.env).socket}` });
    const place = { namespace: "default", pod: "web", container: "main" };
    const open = (i: number, signal: AbortSignal): AsyncIterable<StreamOutput> => {
      const start = <T>(value: T) => endless({ message: { $case: "start" as const, value } }, signal);
      if (i % 5 === 0) return client.exec(start({ ...place, command: ["sleep", "1000"], stdin: true, tty: false }), { signal });
      if (i % 5 === 1) return client.exec(start({ ...place, command: ["sh", "-i"], stdin: true, tty: true }), { signal });
      if (i % 5 === 2) return client.attach(start({ ...place, stdin: false }), { signal });
      if (i % 5 === 3) return client.portForward(start({ namespace: "default", pod: "web", port: 8080 }), { signal });
      return client.logs({ ...place, follow: true, previous: false, timestamps: false }, { signal });
    };
    const breakOff = async (i: number) => {
      const leaving = new AbortController();
      const timer = setTimeout(() => leaving.abort(), (i * 37) % 150);
      try {
        for await (const _output of open(i, leaving.signal));
      } catch (error) {
        assert.ok(leaving.signal.aborted, String(error));
      } finally {
        clearTimeout(timer);
      }
    };
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let i = numbers.pop(); i !== undefined; i = numbers.pop()) await breakOff(i);
      }),
    );
    await until(() => processes() <= before.processes, "the end of all processes");
    await until(
      () => descriptors().every((count, i) => count <= (before.descriptors[i] ?? 0) + 2),
      `no descriptor to be left: ${descriptors()} of ${before.descriptors}`,
    );
  });
});

async function* endless<T>(first: T, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  yield first;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function fetchFrom(port: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/", agent: false }, (answer) => text(answer).then(resolve, reject)).on("error", reject);
  });
}
