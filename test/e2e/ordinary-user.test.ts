/* Everything without root: a cluster of a user who has no rights and no name, and what is said where the system doesn't allow it. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Cluster, openCluster, startCluster } from "../support/cluster.ts";
import { createOrdinaryUser, type OrdinaryUser } from "../support/ordinary-user.ts";
import { podOf, serverPod } from "../support/pod-manifests.ts";
import { cleanEnv, runPodwire, startPodwire } from "../support/podwire.ts";
import { clusterTraces } from "../support/proc.ts";
import { typePodwire } from "../support/typed-podwire.ts";
import { until } from "../support/until.ts";

const uid = 12_345;

describe("an ordinary user", function () {
  this.timeout(60_000);
  let user: OrdinaryUser;
  before(() => {
    user = createOrdinaryUser(uid);
  });
  after(() => user[Symbol.dispose]());
  afterEach(() => assert.equal(existsSync(`/tmp/podwire-${uid}/podwire/podwire`), false));

  describe("has a cluster", () => {
    let cluster: Cluster;
    before(async () => {
      cluster = await startCluster({ nodes: 2, user });
      await cluster.makePods(serverPod("server", { node: "node-1" }), serverPod("client", { node: "node-2" }));
    });
    after(async () => {
      await cluster[Symbol.asyncDispose]();
      assert.deepEqual(clusterTraces(), []);
    });

    it("of which every process is the user's own", () => {
      const owners = cluster.processes().map(({ pid }) => /^Uid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
      assert.ok(owners.length > 6);
      assert.deepEqual([...new Set(owners)], [Array(4).fill(uid).join("\t")]);
    });

    it("of which compiled code is kept in the user's home, since the checkout is another's", () => {
      assert.ok(existsSync(join(user.home, ".cache", "podwire-compile")));
    });

    it("whose limits are not kept, as an event says", async () => {
      const resources = { limits: { memory: "64Mi", cpu: "1" } };
      const containers = [{ name: "main", image: "podwire/toolbox", args: ["pause"], resources }];
      await cluster.makePods(podOf({ name: "limited", spec: { containers } }));
      const events = await cluster.run("events", "--for", "pod/limited");
      assert.match(events, /LimitsNotKept .*No cgroup can be made here that would keep the limits of: memory, cpu/);
    });

    it("whose network model holds", async () => {
      const { code, stdout } = await cluster.podwire("verify");
      assert.equal(code, 0, stdout);
    });

    it("whose pods reach each other and are root in what is theirs alone", async () => {
      const server = await cluster.pod("server");
      const client = await cluster.pod("client");
      const run = (...argv: readonly string[]) => cluster.run("exec", "client", "--", ...argv);
      assert.equal(
        await run("curl", "-s", `http://${server.status?.podIP}:8080/`),
        `Hello from server at ${server.status?.podIP}. I see you as ${client.status?.podIP}.\n`,
      );
      await run("ping", "-c", "1", "-W", "5", server.status?.podIP ?? "");
      assert.deepEqual([await run("hostname"), await run("id", "-u")], ["client\n", "0\n"]);
      await run("sh", "-c", "echo mine >/tmp/file && echo mine >/dev/shm/file");
    });

    for (const { what, argv, says } of [
      { what: "write to the machine's files", argv: ["touch", "/usr/file"], says: /Read-only file system/ },
      { what: "make them writable", argv: ["mount", "-o", "remount,bind,rw", "/"], says: /permission denied|must be superuser/ },
      { what: "see the user's clusters", argv: ["ls", "/tmp/podwire-e2e"], says: /No such file/ },
    ]) {
      it(`whose pods can't ${what}`, async () => {
        const { code, stderr } = await cluster.podwire("exec", "client", "--", ...argv);
        assert.notEqual(code, 0);
        assert.match(stderr, says);
      });
    }

    it("in whose pods the cluster's own folder isn't", async () => {
      const { code } = await cluster.podwire("exec", "client", "--", "ls", cluster.dir);
      assert.notEqual(code, 0);
    });

    it("with terminals in the pods", async () => {
      using typed = typePodwire(["exec", "-it", "client", "--", "sh", "-i"], { env: cluster.env, user });
      await typed.shows("# ");
      typed.terminal.stream.write("tty; stty size\r");
      await typed.shows("/dev/pts/0\\s+40 120");
      typed.terminal.stream.write("exit 3\r");
      assert.equal(await typed.code, 3);
    });

    it("with logs, cp and port-forward", async () => {
      assert.equal(await cluster.run("logs", "server"), "listening on port 8080\n");
      const there = join(user.home, "there");
      writeFileSync(there, "some words");
      chmodSync(user.home, 0o755);
      await cluster.run("cp", there, "client:/tmp/copy");
      await cluster.run("cp", "client:/tmp/copy", join(user.home, "back"));
      assert.equal(readFileSync(join(user.home, "back"), "utf8"), "some words");
      assert.equal(statSync(join(user.home, "back")).uid, uid);
      await using forward = cluster.start("port-forward", "pod/server", ":8080");
      const port = await until(() => /127\.0\.0\.1:(\d+) -> 8080/.exec(forward.stdout)?.[1], "the local port");
      assert.match(await fetchFrom(port), /^Hello from server at 127\.0\.0\.1/);
    });

    it("with volumes, init containers, probes and attach", async () => {
      const volumeMounts = [{ name: "shared", mountPath: "/shared/deep" }];
      const image = "podwire/toolbox";
      await cluster.makePods(
        podOf({
          name: "whole",
          spec: {
            volumes: [{ name: "shared", emptyDir: {} }],
            initContainers: [{ name: "init", image, volumeMounts, command: ["sh", "-c", "echo done >/shared/deep/word"] }],
            containers: [
              {
                ...{ name: "main", image, volumeMounts, stdin: true },
                command: ["sh", "-c", 'while read word; do echo "got $word"; done'],
                readinessProbe: { exec: { command: ["test", "-e", "/shared/deep/word"] } },
              },
            ],
          },
        }),
      );
      await using typing = startPodwire(["attach", "-i", "whole"], { env: cluster.env, user, stdin: "hello\n" });
      await typing.says("got hello");
    });

    it("whose pods outlive an agent that is killed", async () => {
      const before = await cluster.pod("server");
      const agent = cluster.pids.agent("node-1");
      process.kill(agent, "SIGKILL");
      await until(() => cluster.processes().every(({ pid }) => pid !== agent), "its end");
      const after = await until(
        () => cluster.podwire("exec", "server", "--", "hostname").then(({ code, stdout }) => code === 0 && stdout),
        "an exec by the next agent",
      );
      assert.equal(after, "server\n");
      assert.deepEqual((await cluster.pod("server")).status?.containerStatuses, before.status?.containerStatuses);
    });

    it("and is told of users that there are none of", async () => {
      await cluster.apply(podOf({ name: "other", spec: { securityContext: { runAsUser: 1_000 } } }));
      await until(
        async () => /user 1000 can't be used: an ordinary user's namespace doesn't have it/.test(await cluster.run("events")),
        "an event",
      );
      const shared = { volumes: [{ name: "shared", emptyDir: {} }], securityContext: { fsGroup: 2_000 } };
      const containers = [{ name: "main", image: "podwire/toolbox", volumeMounts: [{ name: "shared", mountPath: "/shared" }] }];
      await cluster.apply(podOf({ name: "grouped", spec: { ...shared, containers } }));
      await until(
        async () => /MountVolume\.SetUp failed for volume "shared" : group 2000 can't be used/.test(await cluster.run("events")),
        "an event",
      );
      const none = { runAsUser: 0, runAsGroup: 0, fsGroup: 0 };
      await cluster.makePods(podOf({ name: "root", spec: { securityContext: none } }));
      assert.equal(await cluster.run("exec", "root", "--", "id", "-u"), "0\n");
    });
  });

  describe("where the machine", () => {
    const name = "t-user";
    /** With what `script` makes of a mount namespace, by root. */
    const upWhere = (script: string, env: Readonly<Record<string, string>>) => {
      const words = ["unshare", "--mount", "--", "sh", "-euc", `${script}\nexec "$@"`, "sh", ...user.words];
      return runPodwire(["up", "--detach", "--name", name, "--nodes", "1"], { env, user: { ...user, words } });
    };
    const env = () => cleanEnv({ HOME: user.home });
    const cluster = (folder: string) => openCluster({ name, env: { ...env(), XDG_RUNTIME_DIR: folder }, folder, user });

    it("has no folder for named network namespaces and one with a space in its name, in /run", async () => {
      const folder = join(user.home, "run");
      mkdirSync(folder);
      chownSync(folder, uid, uid);
      const { code, stderr } = await upWhere('mount -t tmpfs tmpfs /run; mkdir "/run/a b" /run/lock; ln -s lock /run/link', {
        ...env(),
        XDG_RUNTIME_DIR: folder,
      });
      assert.equal(code, 0, stderr);
      await using up = cluster(folder);
      await up.makePods(serverPod("server"));
    });

    it("mounts everything as tightly as it can", async () => {
      const folder = join(user.home, "tight");
      mkdirSync(folder);
      const { code, stderr } = await upWhere(
        // The mount is the sandbox's own copy: the cluster's folder has to be seen from here, too.
        `mount --bind ${folder} ${folder}; chown ${uid}:${uid} ${folder}
         mount -o remount,bind,nosuid,nodev,noexec,noatime ${folder}
         mount -o remount,bind,nosuid,noexec /dev; mount -t tmpfs -o nosuid,nodev,noexec tmpfs /srv`,
        { ...env(), XDG_RUNTIME_DIR: folder },
      );
      assert.equal(code, 0, stderr);
      await using up = cluster(folder);
      await up.makePods(serverPod("server"));
      const { code: wrote } = await up.podwire("exec", "server", "--", "touch", "/srv/file");
      assert.notEqual(wrote, 0);
    });

    it("has no runtime folder for the user, keeps the cluster in one of /tmp", async () => {
      const { code, stderr } = await upWhere("", env());
      assert.equal(code, 0, stderr);
      const folder = `/tmp/podwire-${uid}`;
      assert.equal(statSync(folder).uid, uid);
      await using up = cluster(folder);
      assert.match(
        (await runPodwire(["clusters"], { env: env(), user })).stdout,
        new RegExp(`^${name} +Ready +1/1 .* ${uid} `, "m"),
      );
      assert.equal(await up.run("get", "nodes", "-o", "name"), "node/node-1\n");
    });

    it("has somebody else's folder in the place of the user's, refuses it", async () => {
      const folder = `/tmp/podwire-${uid}`;
      mkdirSync(folder);
      try {
        for (const verb of ["up", "clusters"]) {
          const { code, stderr } = await runPodwire([verb], { env: env(), user });
          assert.deepEqual([code, /is not yours alone.*remove it, or set XDG_RUNTIME_DIR/.test(stderr)], [1, true], stderr);
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it("has a runtime folder that the user may not write to, says so", async () => {
      const folder = join(user.home, "closed");
      mkdirSync(folder);
      const { code, stderr } = await runPodwire(["up"], { env: { ...env(), XDG_RUNTIME_DIR: folder }, user });
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^error: clusters can't be kept in .*closed\/podwire \(EACCES.*set XDG_RUNTIME_DIR to a folder of your own/,
      );
    });

    for (const { what, script, says } of [
      { what: "closes the TUN device", script: "chmod 600 /dev/net/tun", says: /sudo chmod 0666 \/dev\/net\/tun/ },
      { what: "has no TUN device", script: "mount -t tmpfs tmpfs /dev/net", says: /sudo modprobe tun|--device \/dev\/net\/tun/ },
    ]) {
      it(`${what}, names the cure`, async () => {
        const { code, stderr } = await upWhere(script, env());
        chmodSync("/dev/net/tun", 0o666);
        assert.equal(code, 1);
        assert.match(stderr, says);
        assert.deepEqual(clusterTraces(), []);
      });
    }

    it("allows no user namespaces, names the setting and the cure", async () => {
      const holder = spawn("unshare", ["--user", "--", "sleep", "1000"], { stdio: "ignore" });
      try {
        const namespace = `/proc/${holder.pid}/ns/user`;
        await until(() => readlinkSync(namespace) !== readlinkSync("/proc/self/ns/user"), "the namespace");
        for (const map of ["uid_map", "gid_map"]) writeFileSync(`/proc/${holder.pid}/${map}`, "0 0 4294967295");
        // The limit is that namespace's: the machine's stays as it is.
        const script = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"';
        const words = ["nsenter", `--user=${namespace}`, "--", "sh", "-euc", script, "sh", ...user.words];
        const { code, stderr } = await runPodwire(["up"], { env: env(), user: { ...user, words } });
        assert.equal(code, 1);
        assert.match(stderr, /user\.max_user_namespaces=0\n +sudo sysctl -w user\.max_user_namespaces=/);
      } finally {
        holder.kill();
      }
    });
  });
});

function fetchFrom(port: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/", agent: false }, (answer) => text(answer).then(resolve, reject)).on("error", reject);
  });
}
