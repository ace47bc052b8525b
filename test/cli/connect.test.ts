import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestCli } from "../support/cli.ts";
import { joinToken, startTestCluster, userToken } from "../support/control-plane.ts";

describe("finding the cluster", () => {
  let runtime: string;
  const open: Server[] = [];
  const cli = (env: Record<string, string> = {}) => createTestCli({ env: { XDG_RUNTIME_DIR: runtime, ...env } });

  beforeEach(async () => {
    runtime = await mkdtemp(join(tmpdir(), "podwire-run-"));
  });
  afterEach(async () => {
    for (const server of open.splice(0)) server.close();
    await rm(runtime, { recursive: true, force: true });
  });

  async function socketOf(name: string): Promise<string> {
    await mkdir(join(runtime, "podwire", name), { recursive: true });
    return join(runtime, "podwire", name, "api.sock");
  }

  /** A socket that takes connections and says nothing. */
  async function listen(name: string): Promise<void> {
    const path = await socketOf(name);
    const server = createServer((socket) => socket.destroy());
    open.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
  }

  /** The file that a killed control plane leaves. */
  async function leaveDead(name: string): Promise<void> {
    const path = await socketOf(name);
    const { spawnSync } = await import("node:child_process");
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
  }

  const stderrOf = async (line: string, env?: Record<string, string>) => {
    const { code, stderr } = await cli(env).type(line);
    assert.equal(code, 1);
    return stderr;
  };

  it("takes the only one there is, though a dead one lies beside it", async () => {
    const socket = await socketOf("alive");
    await using cluster = await startTestCluster({ socket });
    assert.ok(cluster);
    assert.match((await cli().type("version")).stdout, /^Cluster: test /m);
    await leaveDead("dead");
    assert.match((await cli().type("version")).stdout, /^Cluster: test /m);
  });

  it("says how to start one where there is none", async () => {
    const want = "error: no cluster is running on this machine. Start one with `podwire up`, or name one with --server ADDRESS\n";
    assert.equal(await stderrOf("get pods"), want);
  });

  it("names them where there are several", async () => {
    await listen("blue");
    await listen("green");
    const want =
      "error: several clusters are running on this machine: blue, green. Name one with --cluster NAME or PODWIRE_CLUSTER\n";
    assert.equal(await stderrOf("get pods"), want);
  });

  it("says that a dead one isn't running, and how to start it", async () => {
    await leaveDead("blue");
    const want =
      /^error: cluster "blue" isn't running: nobody listens at unix:.*\/blue\/api.sock; start it with `podwire up --name blue`\n$/;
    assert.match(await stderrOf("get pods"), want);
    assert.match(await stderrOf("get pods --cluster blue"), want);
    assert.match(await stderrOf("get pods", { PODWIRE_CLUSTER: "blue" }), want);
  });

  const cases: readonly (readonly [line: string, stderr: RegExp])[] = [
    [
      "get pods --cluster red",
      /cluster "red" isn't running: there is no socket .*red\/api\.sock; start it with `podwire up --name red`/,
    ],
    ["get pods --cluster ../x", /"\.\.\/x" can't be a cluster's name/],
    ["get pods --cluster a --server b:1", /--server and --cluster both say where to connect/],
    ["get pods --server nonsense", /--server "nonsense" is no address \(want HOST:PORT/],
    ["get pods --server 127.0.0.1:99999", /is no address/],
    ["get pods --server unix:/nonexistent/x.sock", /isn't running: there is no socket \/nonexistent\/x\.sock/],
    ["get pods --server 127.0.0.1:1", /nobody listens at 127\.0\.0\.1:1; check the address/],
    ["get pods --token-file /nonexistent --server 127.0.0.1:1", /^error: /],
  ];
  for (const [line, stderr] of cases) it(`refuses ${line}`, async () => assert.match(await stderrOf(line), stderr));

  it("lets a flag for one outrank the variable for the other", async () => {
    assert.match(await stderrOf("get pods --cluster red", { PODWIRE_SERVER: "127.0.0.1:1" }), /cluster "red"/);
    assert.match(await stderrOf("get pods --server 127.0.0.1:1", { PODWIRE_CLUSTER: "red" }), /nobody listens at 127/);
  });

  it("shows the token of a file to a server over TCP", async () => {
    await using cluster = await startTestCluster({ listen: "127.0.0.1:0" });
    const server = cluster.tcpAddress ?? "";
    const file = join(runtime, "token");
    await writeFile(file, `${userToken}\n`);
    assert.equal((await cli({ PODWIRE_SERVER: server, PODWIRE_TOKEN_FILE: file }).type("get ns -o name")).code, 0);
    await writeFile(file, joinToken);
    assert.match(await stderrOf(`get ns --server ${server} --token-file ${file}`), /must be logged in|Forbidden/);
    await writeFile(file, "two\nlines");
    assert.match(
      await stderrOf(`get ns --server ${server} --token-file ${file}`),
      /cannot read the token file .*: it must hold one line/,
    );
    assert.match(
      await stderrOf(`get ns --server ${server} --token-file /nonexistent`),
      /cannot read the token file \/nonexistent: ENOENT/,
    );
  });
});
