import assert from "node:assert/strict";
import { chmod, chown, mkdir, mkdtemp, rm, rmdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clusterPaths, clustersRoot, listClusters, runtimeFolder } from "#process/cluster-paths.ts";

describe("the paths of a cluster", () => {
  it("lie in the user's runtime folder, or in /run where there is none", () => {
    assert.equal(clustersRoot({ XDG_RUNTIME_DIR: "/run/user/1000" }), "/run/user/1000/podwire");
    for (const env of [{}, { XDG_RUNTIME_DIR: "" }, { XDG_RUNTIME_DIR: "relative" }]) {
      assert.equal(clustersRoot(env), "/run/podwire");
    }
    const dir = "/run/podwire/dev";
    assert.deepEqual(clusterPaths("dev", {}), { dir, socket: `${dir}/api.sock`, state: `${dir}/state`, logs: `${dir}/logs` });
  });

  it("lie in /tmp for a user without sessions, where nobody else can write", async () => {
    const uid = 45_678;
    const folder = `/tmp/podwire-${uid}`;
    const foreign = { kind: "failed-precondition", message: /is not yours alone.*remove it, or set XDG_RUNTIME_DIR/ };
    assert.equal(runtimeFolder({}, uid), folder);
    try {
      await mkdir(folder);
      assert.throws(() => runtimeFolder({}, uid), foreign);
      await chown(folder, uid, uid);
      assert.equal(runtimeFolder({}, uid), folder);
      await chmod(folder, 0o777);
      assert.throws(() => runtimeFolder({}, uid), foreign);
      await rmdir(folder);
      await symlink("/", folder);
      assert.throws(() => runtimeFolder({}, uid), foreign);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  for (const name of ["", "..", "a/b", "A", "x".repeat(64)]) {
    it(`are refused for ${JSON.stringify(name.slice(0, 10))}`, () => {
      assert.throws(() => clusterPaths(name, {}), /can't be a cluster's name/);
    });
  }

  it("are listed where there is a socket, in order", async () => {
    const runtime = await mkdtemp(join(tmpdir(), "podwire-paths-"));
    const env = { XDG_RUNTIME_DIR: runtime };
    const servers = [];
    try {
      assert.deepEqual(listClusters(env), []);
      for (const name of ["b", "a"]) {
        await mkdir(clusterPaths(name, env).dir, { recursive: true });
        const server = createServer();
        servers.push(server);
        await new Promise<void>((resolve) => server.listen(clusterPaths(name, env).socket, resolve));
      }
      await mkdir(clusterPaths("no-socket", env).dir);
      await mkdir(clusterPaths("no-real-socket", env).dir);
      await writeFile(clusterPaths("no-real-socket", env).socket, "");
      assert.deepEqual(listClusters(env), ["a", "b"]);
    } finally {
      for (const server of servers) server.close();
      await rm(runtime, { recursive: true, force: true });
    }
  });
});
