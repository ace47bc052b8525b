import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAppError } from "#core/errors.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import { createRpcClient } from "#rpc/client.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../support/control-plane-process.ts";
import { joinFakeAgent } from "../support/fake-agent.ts";

describe("control-plane/main.ts", () => {
  let folder = "";
  const inFolder = (name: string) => join(folder, name);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "podwire-main-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const lastMessage = ({ output }: ControlPlaneProcess): string => {
    const line = output.at(-1) ?? "";
    return line.startsWith("{") ? JSON.parse(line).msg : line;
  };

  it("serves users on its socket, users and agents on its port, and ends with 0 on SIGTERM", async () => {
    const argv = ["--cluster", "demo", "--listen", "127.0.0.1:0", "--socket", inFolder("api.sock"), "--data", inFolder("data")];
    const tokenFiles = ["--join-token-file", inFolder("join"), "--user-token-file", inFolder("user")];
    await using process = startControlPlaneProcess([...argv, ...tokenFiles]);
    const ready = await process.ready;
    assert.ok(ready, process.output.join("\n"));
    assert.equal(ready.socket, inFolder("api.sock"));
    const [joinToken, userToken] = await Promise.all(
      ["join", "user"].map(async (name) => (await readFile(inFolder(name), "utf8")).trim()),
    );
    for (const name of ["api.sock", "join", "user"]) assert.equal((await stat(inFolder(name))).mode & 0o777, 0o600, name);

    const signal = AbortSignal.timeout(10_000);
    const address = String(ready.address);
    using onSocket = createRpcClient(ClusterService, { address: `unix:${inFolder("api.sock")}` });
    assert.equal((await onSocket.info({}, { signal })).cluster, "demo");
    using stranger = createRpcClient(ClusterService, { address });
    await assert.rejects(stranger.info({}, { signal }), (error) => isAppError(error, "unauthenticated"));
    using user = createRpcClient(ClusterService, { address, metadata: { authorization: `Bearer ${userToken}` } });
    assert.equal((await user.info({}, { signal })).podCIDR, "10.244.0.0/16");
    {
      await using agent = await joinFakeAgent({ address, name: "node-1", joinToken: joinToken ?? "" });
      await agent.openSession().ready();
    }
    await process.kill("SIGTERM");
    assert.equal(await process.exited, 0);
    const printed = process.output.join("\n");
    for (const token of [joinToken, userToken]) assert.ok(!printed.includes(token ?? "none"), "no token in the log");
  });

  it("takes its flags from the environment too", async () => {
    const env = { PODWIRE_SOCKET: inFolder("api.sock"), PODWIRE_CLUSTER: "from-env", PODWIRE_POD_CIDR: "10.8.0.0/16" };
    await using process = startControlPlaneProcess([], env);
    assert.equal((await process.ready)?.cluster, "from-env");
    using client = createRpcClient(ClusterService, { address: `unix:${inFolder("api.sock")}` });
    assert.equal((await client.info({}, { signal: AbortSignal.timeout(5_000) })).podCIDR, "10.8.0.0/16");
  });

  it("keeps the tokens that it made", async () => {
    await writeFile(inFolder("join"), "a-token-of-sufficient-length\n", { mode: 0o600 });
    const argv = ["--socket", inFolder("api.sock"), "--join-token-file", inFolder("join")];
    await using process = startControlPlaneProcess(argv);
    assert.ok(await process.ready, process.output.join("\n"));
    await using agent = await joinFakeAgent({
      address: `unix:${inFolder("api.sock")}`,
      name: "node-1",
      joinToken: "a-token-of-sufficient-length",
    });
    assert.equal(agent.name, "node-1");
  });

  const refusals: readonly { readonly title: string; readonly argv: readonly string[]; readonly says: RegExp }[] = [
    { title: "no address", argv: [], says: /give --socket, --listen, or both/ },
    { title: "an unknown flag", argv: ["--sockett", "x"], says: /unknown flag: --sockett; did you mean --socket\?/ },
    {
      title: "overlapping ranges",
      argv: ["--pod-cidr", "10.96.0.0/12"],
      says: /--pod-cidr 10\.96\.0\.0\/12 and --service-cidr 10\.96\.0\.0\/16 overlap/,
    },
    { title: "a range that is none", argv: ["--pod-cidr", "10.244.0.1/16"], says: /did you mean 10\.244\.0\.0\/16/ },
    { title: "blocks larger than the range", argv: ["--node-cidr-prefix", "8"], says: /--node-cidr-prefix 8 must be from 16/ },
    {
      title: "too many blocks",
      argv: ["--pod-cidr", "11.0.0.0/8", "--node-cidr-prefix", "28"],
      says: /more than 65536 blocks: choose at most 24/,
    },
    {
      title: "no number",
      argv: ["--heartbeat-timeout", "soon"],
      says: /--heartbeat-timeout "soon": want a number, at least 0\.1/,
    },
    {
      title: "a time scale that slows timers down",
      argv: ["--time-scale", "0.5"],
      says: /--time-scale "0\.5": want a number from 1 to 1000/,
    },
  ];
  for (const { title, argv, says } of refusals) {
    it(`refuses ${title}`, async () => {
      await using process = startControlPlaneProcess(title === "no address" ? argv : ["--socket", inFolder("api.sock"), ...argv]);
      assert.equal(await process.ready, undefined);
      assert.notEqual(await process.exited, 0);
      assert.match(process.output.join("\n"), says);
    });
  }

  it("refuses a stored cluster whose ranges are others, and says which", async () => {
    const argv = ["--socket", inFolder("api.sock"), "--data", inFolder("data")];
    {
      await using process = startControlPlaneProcess(argv);
      assert.ok(await process.ready);
    }
    await using process = startControlPlaneProcess([...argv, "--pod-cidr", "10.9.0.0/16", "--node-cidr-prefix", "26"]);
    assert.equal(await process.exited, 1);
    assert.match(
      lastMessage(process),
      /--pod-cidr is 10\.244\.0\.0\/16 there, not 10\.9\.0\.0\/16; --node-cidr-prefix is 24 there, not 26/,
    );
  });

  it("refuses a socket that another control plane serves, and replaces one that a killed one left", async () => {
    const argv = ["--socket", inFolder("api.sock")];
    await using first = startControlPlaneProcess(argv);
    assert.ok(await first.ready);
    await using second = startControlPlaneProcess(argv);
    assert.equal(await second.exited, 1);
    assert.match(lastMessage(second), /another control plane serves on/);
    await first.kill("SIGKILL");
    await using third = startControlPlaneProcess(argv);
    assert.ok(await third.ready, third.output.join("\n"));
  });

  it("refuses a token file that others can read, and one whose token is short", async () => {
    const argv = ["--socket", inFolder("api.sock"), "--join-token-file", inFolder("join")];
    await writeFile(inFolder("join"), "a-token-of-sufficient-length\n");
    await chmod(inFolder("join"), 0o644);
    await using open = startControlPlaneProcess(argv);
    assert.equal(await open.exited, 1);
    assert.match(lastMessage(open), /can be read by others: chmod 600/);
    await chmod(inFolder("join"), 0o600);
    await writeFile(inFolder("join"), "short\n");
    await using short = startControlPlaneProcess(argv);
    assert.equal(await short.exited, 1);
    assert.match(lastMessage(short), /too short/);
  });
});
