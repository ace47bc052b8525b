/* What goes into a pod's containers, seen from inside them. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { isAppError } from "#core/errors.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { execIn } from "./container-lab.ts";
import { openInputsLab, podWith, sourcesOf } from "./pod-inputs-lab.ts";

describe("a pod's container", () => {
  before(requireSandbox);
  describe("and its variables", describeVariables);
  describe("and emptyDir volumes", describeEmptyDir);
  describe("and configMap and secret volumes", describeProjected);
  describe("and subPath", describeSubPath);
  describe("and mount points", describeMountPoints);
  describe("and its security context", describeSecurity);
});

const mount = (name: string, mountPath: string, more: object = {}) => ({ name, mountPath, ...more });

function describeVariables(): void {
  it("gets variables from fields, ConfigMaps and Secrets, in its command too", async () => {
    const sources = sourcesOf({ configMaps: { settings: { mode: "fast", "7x": "no" } }, secrets: { keys: { token: "s3cret" } } });
    await using lab = openInputsLab(sources);
    const env = [
      { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "TOKEN", valueFrom: { secretKeyRef: { name: "keys", key: "token" } } },
      { name: "URL", value: "http://$(IP)/$(UNKNOWN)/$$(IP)" },
      { name: "NONE", valueFrom: { configMapKeyRef: { name: "absent", key: "x", optional: true } } },
    ];
    const envFrom = [{ prefix: "CFG_", configMapRef: { name: "settings" } }, { secretRef: { name: "absent", optional: true } }];
    const pod = podWith("unused", {
      command: ["sh", "-c", 'env | grep ^NONE; echo "$TOKEN $URL $CFG_mode $HOSTNAME $HOME"; printf "%s\\n" "$@"', "sh"],
      args: ["$(TOKEN)", "$(CFG_mode)", "$$(TOKEN)", "$(NOBODY)"],
      env,
      envFrom,
    });
    assert.equal(
      await lab.output(pod),
      "s3cret http://10.244.1.2/$(UNKNOWN)/$(IP) fast web /root\ns3cret\nfast\n$(TOKEN)\n$(NOBODY)\n",
    );
  });

  it("finds its pod's host aliases in /etc/hosts", async () => {
    await using lab = openInputsLab();
    const hostAliases = [{ ip: "10.1.2.3", hostnames: ["db.local", "db"] }];
    const output = await lab.output(podWith("getent hosts db.local; tail -n 2 /etc/hosts", {}, { hostAliases }));
    assert.equal(output, "10.1.2.3        db.local db\n# Entries added by HostAliases.\n10.1.2.3\tdb.local\tdb\n");
  });
}

function describeEmptyDir(): void {
  it("shares an emptyDir with the pod's other containers, and nothing of it stays", async () => {
    await using lab = openInputsLab();
    const volumeMounts = [mount("data", "/data")];
    const command = ["sh", "-c", "until [ -s /data/said ]; do sleep 0.02; done; cat /data/said"];
    const pod = podWith(
      "echo hello >/data/said",
      { volumeMounts },
      {
        containers: [
          { name: "writer", image: "any", command: ["sh", "-c", "echo hello >/data/said"], volumeMounts },
          { name: "reader", image: "any", command, volumeMounts: [mount("data", "/data", { readOnly: true })] },
        ],
        volumes: [{ name: "data", emptyDir: {} }],
      },
    );
    const reader = await lab.start(pod, 1);
    const writer = await lab.start(pod, 0);
    assert.equal(await writer.exitCode(), 0, writer.log());
    assert.equal(await reader.exitCode(), 0, reader.log());
    assert.equal(reader.log(), "hello\n");
    lab.removeVolumes();
    assert.deepEqual(readdirSync(join(lab.podFolder, "volumes")), []);
    assert.equal(existsSync("/data"), false);
  });

  it("writes nothing to a volume that is mounted read-only", async () => {
    await using lab = openInputsLab();
    const volumeMounts = [mount("data", "/data", { readOnly: true })];
    const output = await lab.output(
      podWith("touch /data/x; ls /data", { volumeMounts }, { volumes: [{ name: "data", emptyDir: {} }] }),
    );
    assert.match(output, /Read-only file system\n$/);
  });

  for (const emptyDir of [{ medium: "Memory", sizeLimit: "1Mi" }, { sizeLimit: "1Mi" }]) {
    it(`can put no more into an emptyDir than its sizeLimit: ${JSON.stringify(emptyDir)}`, async () => {
      await using lab = openInputsLab();
      const script = "head -c 3000000 /dev/zero >/data/big; stat -c %s /data/big; stat -f -c %T /data";
      const pod = podWith(script, { volumeMounts: [mount("data", "/data")] }, { volumes: [{ name: "data", emptyDir }] });
      assert.match(await lab.output(pod), /No space left on device\n1048576\ntmpfs\n$/);
    });
  }

  for (const emptyDir of [{}, { medium: "Memory" }]) {
    it(`keeps the mode that a container gave an emptyDir: ${JSON.stringify(emptyDir)}`, async () => {
      await using lab = openInputsLab();
      const container = { volumeMounts: [mount("data", "/data")] };
      const spec = { volumes: [{ name: "data", emptyDir }], securityContext: { fsGroup: 2000 } };
      const script = "stat -c '%a %g' /data; chmod 0700 /data; chown 5:6 /data";
      assert.equal(await lab.output(podWith(script, container, spec)), "2777 2000\n");
      assert.equal(await lab.output(podWith("stat -c '%a %u %g' /data", container, spec)), "2700 5 6\n");
    });
  }

  it("keeps what is in memory for its next run, and gives it back with the pod", async () => {
    await using lab = openInputsLab();
    const volumes = [{ name: "data", emptyDir: { medium: "Memory" } }];
    const volumeMounts = [mount("data", "/data")];
    assert.equal(await lab.output(podWith("echo one >>/data/x; cat /data/x", { volumeMounts }, { volumes })), "one\n");
    assert.equal(await lab.output(podWith("echo two >>/data/x; cat /data/x", { volumeMounts }, { volumes })), "one\ntwo\n");
    assert.ok(readFileSync("/proc/self/mountinfo", "utf8").includes(lab.folderOf("data")));
    lab.removeVolumes();
    assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(lab.folderOf("data")));
  });
}

function describeProjected(): void {
  const sources = sourcesOf({
    configMaps: { site: { "index.html": "<p>1</p>", conf: "a=1" } },
    secrets: { keys: { token: "t" } },
  });

  it("finds the keys as files, with their modes, which it can't change", async () => {
    await using lab = openInputsLab(sources);
    const volumes = [
      {
        name: "site",
        configMap: {
          name: "site",
          defaultMode: 0o640,
          items: [
            { key: "conf", path: "etc/app.conf", mode: 0o600 },
            { key: "index.html", path: "i" },
          ],
        },
      },
      { name: "keys", secret: { secretName: "keys" } },
      { name: "maybe", configMap: { name: "absent", optional: true } },
    ];
    const volumeMounts = [mount("site", "/etc/site"), mount("keys", "/keys"), mount("maybe", "/maybe")];
    const script =
      "cd /etc/site; stat -L -c '%a %n' etc/app.conf i; cat etc/app.conf i /keys/token; echo; stat -f -c %T /keys; ls /maybe; echo x >i";
    const output = await lab.output(podWith(script, { volumeMounts }, { volumes }));
    assert.match(output, /^600 etc\/app.conf\n640 i\na=1<p>1<\/p>t\ntmpfs\n.*Read-only file system\n$/);
  });

  it("sees a ConfigMap's new contents, all at once, and no file that went", async () => {
    await using lab = openInputsLab(sources);
    const pod = podWith(
      "exec sleep infinity",
      { volumeMounts: [mount("site", "/site")] },
      { volumes: [{ name: "site", configMap: { name: "site" } }] },
    );
    const container = await lab.start(pod);
    const inside = async () => (await execIn(container, ["sh", "-c", "cat /site/*; ls /site"])).stdout;
    assert.equal(await inside(), "a=1<p>1</p>conf\nindex.html\n");
    lab.setSources(sourcesOf({ configMaps: { site: { "index.html": "<p>2</p>", more: "m" } } }));
    lab.prepare(pod);
    assert.equal(await inside(), "<p>2</p>mindex.html\nmore\n");
    lab.prepare(pod);
    assert.equal(await inside(), "<p>2</p>mindex.html\nmore\n");
  });

  it("has every file though an agent was killed while it brought them up to date", async () => {
    await using lab = openInputsLab(sources);
    const volumes = [{ name: "site", configMap: { name: "site" } }];
    const pod = podWith("ls /site", { volumeMounts: [mount("site", "/site")] }, { volumes });
    lab.prepare(pod);
    rmSync(join(lab.folderOf("site"), "conf"));
    symlinkSync("..data/gone", join(lab.folderOf("site"), "gone"));
    assert.equal(await lab.output(pod), "conf\nindex.html\n");
  });

  it("writes to none by the place where volumes wait to be mounted", async () => {
    await using lab = openInputsLab(sources);
    const volumes = [
      { name: "keys", secret: { secretName: "keys" } },
      { name: "data", emptyDir: {} },
    ];
    const volumeMounts = [mount("keys", "/keys"), mount("data", "/run/podwire/volumes/0")];
    const output = await lab.output(podWith("cd /run/podwire/volumes/0 && touch x", { volumeMounts }, { volumes }));
    assert.ok(!readdirSync(lab.folderOf("keys")).includes("x"), output);
  });

  for (const [sentence, volume, message] of [
    ["a ConfigMap", { configMap: { name: "absent" } }, 'MountVolume.SetUp failed for volume "v" : configmap "absent" not found'],
    ["a Secret", { secret: { secretName: "absent" } }, 'MountVolume.SetUp failed for volume "v" : secret "absent" not found'],
    [
      "a key",
      { configMap: { name: "site", items: [{ key: "absent", path: "x" }] } },
      'MountVolume.SetUp failed for volume "v" : references non-existent config key: absent',
    ],
    [
      "a kind of volume that Podwire has",
      { hostPath: { path: "/etc" } },
      'MountVolume.SetUp failed for volume "v" : Podwire has no hostPath volumes: use emptyDir, configMap or secret',
    ],
  ] as const) {
    it(`can't start for want of ${sentence}, and says so`, async () => {
      await using lab = openInputsLab(sources);
      const pod = podWith("true", { volumeMounts: [mount("v", "/v")] }, { volumes: [{ name: "v", ...volume }] });
      await assert.rejects(lab.start(pod), (error: unknown) => {
        assert.ok(isAppError(error));
        assert.deepEqual([error.reason, error.message], ["FailedMount", message]);
        return true;
      });
    });
  }
}

function describeSubPath(): void {
  it("mounts a part of a volume, a file too, and makes what is absent", async () => {
    await using lab = openInputsLab(sourcesOf({ configMaps: { site: { conf: "a=1" } } }));
    const volumes = [
      { name: "data", emptyDir: {} },
      { name: "site", configMap: { name: "site" } },
    ];
    const volumeMounts = [
      mount("data", "/all"),
      mount("data", "/part", { subPath: "a/b" }),
      mount("site", "/etc/app.conf", { subPath: "conf" }),
    ];
    const output = await lab.output(
      podWith("echo x >/part/y; cat /all/a/b/y /etc/app.conf; ls -d /etc/passwd", { volumeMounts }, { volumes }),
    );
    assert.equal(output, "x\na=1/etc/passwd\n");
  });

  it("may be written by whoever the container runs as", async () => {
    await using lab = openInputsLab();
    const volumeMounts = [mount("data", "/part", { subPath: "a/b" })];
    const container = { volumeMounts, securityContext: { runAsUser: 1234 } };
    const spec = { volumes: [{ name: "data", emptyDir: {} }], securityContext: { fsGroup: 2000 } };
    assert.equal(await lab.output(podWith("touch /part/x; stat -c '%a %g' /part; ls /part", container, spec)), "2777 2000\nx\n");
  });

  it("can be absent where the mount is read-only", async () => {
    await using lab = openInputsLab();
    const volumeMounts = [mount("data", "/part", { subPath: "a", readOnly: true })];
    const output = await lab.output(podWith("touch /part/x", { volumeMounts }, { volumes: [{ name: "data", emptyDir: {} }] }));
    assert.match(output, /Read-only file system\n$/);
  });

  it("is no pipe, for which the start would wait for ever", async () => {
    await using lab = openInputsLab();
    const volumes = [{ name: "data", emptyDir: {} }];
    assert.equal(await lab.output(podWith("mkfifo /data/pipe", { volumeMounts: [mount("data", "/data")] }, { volumes })), "");
    const caught = await lab.start(podWith("true", { volumeMounts: [mount("data", "/x", { subPath: "pipe" })] }, { volumes }));
    assert.equal(await caught.exitCode(), undefined);
    assert.equal(caught.log(), 'cannot start: the subPath "pipe" is neither a file nor a folder\n');
  });

  it("leads out of its volume by no link that comes at the moment of the start", async () => {
    await using lab = openInputsLab();
    const volumes = [{ name: "data", emptyDir: {} }];
    const pod = podWith("ls -d /x/passwd; true", { volumeMounts: [mount("data", "/x", { subPath: "part" })] }, { volumes });
    lab.prepare(pod);
    const swap = `const { mkdirSync, renameSync, symlinkSync } = require("node:fs");
      process.chdir(process.argv[1]);
      mkdirSync("folder");
      symlinkSync("/etc", "link");
      for (;;) for (const name of ["folder", "link"]) {
        try { renameSync(name, "part"); } catch {}
        try { renameSync("part", name); } catch {}
      }`;
    const swapper = spawn(process.execPath, ["-e", swap, lab.folderOf("data")], { stdio: "ignore" });
    try {
      for (let tries = 0; tries < 40; tries++) {
        const container = await lab.start(pod);
        await container.exitCode();
        assert.ok(!container.log().split("\n").includes("/x/passwd"), "the container has the host's /etc, to write to");
      }
    } finally {
      swapper.kill("SIGKILL");
    }
  });

  it("leads out of its volume by no link that a container left there a container left there", async () => {
    await using lab = openInputsLab();
    const volumes = [{ name: "data", emptyDir: {} }];
    const volumeMounts = [mount("data", "/data")];
    assert.equal(
      await lab.output(podWith("ln -s /etc /data/out; ln -s ../../../../.. /data/up", { volumeMounts }, { volumes })),
      "",
    );
    for (const subPath of ["out", "up", "up/etc", "../.."]) {
      const caught = await lab.start(podWith("ls /x", { volumeMounts: [mount("data", "/x", { subPath })] }, { volumes }));
      assert.equal(await caught.exitCode(), undefined);
      assert.equal(caught.log(), `cannot start: the subPath "${subPath}" leads out of its volume\n`);
    }
  });
}

function describeMountPoints(): void {
  for (const path of ["/data", "/usr/share/nginx/html", "/etc/config/deep", "/tmp/x", "/run/app", "/srv", "/run", "/var/run"]) {
    it(`can be ${path}, whether it exists or not, and the host's files beside it stay as they are`, async () => {
      await using lab = openInputsLab();
      const above = path.slice(0, path.lastIndexOf("/")) || "/";
      const script = `cd ${path} && echo x >y && cat y && ls ${above} | wc -l; touch ${above}/left 2>/dev/null && rm ${above}/left && echo writable; ls -d /dev/null /etc/passwd /proc/self/status /usr/bin/env`;
      const output = await lab.output(
        podWith(script, { volumeMounts: [mount("data", path)] }, { volumes: [{ name: "data", emptyDir: {} }] }),
      );
      const [first, entries, ...rest] = output.trimEnd().split("\n");
      assert.equal(first, "x", output);
      assert.ok(Number(entries) > 0);
      const own = ["/tmp", "/run"].includes(above) ? ["writable"] : [];
      assert.deepEqual(rest, [...own, "/dev/null", "/etc/passwd", "/proc/self/status", "/usr/bin/env"]);
    });
  }

  it("come in any order and in each other", async () => {
    await using lab = openInputsLab();
    const volumes = [
      { name: "outer", emptyDir: {} },
      { name: "inner", emptyDir: {} },
    ];
    const volumeMounts = [mount("outer", "/o/uter"), mount("inner", "/o/uter/in/ner")];
    for (const inOrder of [volumeMounts, volumeMounts.toReversed()]) {
      const pod = podWith("echo i >/o/uter/in/ner/f; find /o -type f", { volumeMounts: inOrder }, { volumes });
      assert.equal(await lab.output(pod), "/o/uter/in/ner/f\n");
    }
  });

  it("take neither their place from others nor the built-in programs away where one is /run", async () => {
    await using lab = openInputsLab();
    const names = ["first", "second", "third"];
    const volumes = names.map((name) => ({ name, emptyDir: {} }));
    const volumeMounts = [mount("first", "/run"), mount("second", "/data"), mount("third", "/run/deep/er")];
    const script =
      "touch /run/x /data/y /run/deep/er/z; ls /data /run/deep/er; ls /run/podwire/volumes | wc -l; command -v toolbox";
    for (const inOrder of [volumeMounts, volumeMounts.toReversed()]) {
      const output = await lab.output(podWith(script, { volumeMounts: inOrder }, { volumes }));
      assert.equal(output, "/data:\ny\n\n/run/deep/er:\nz\n3\n/run/podwire/toolbox/toolbox\n");
    }
    assert.deepEqual(readdirSync(lab.folderOf("first")).toSorted(), ["deep", "podwire", "x"]);
  });
}

function describeSecurity(): void {
  it("runs as its user, group and groups, with a volume that its fsGroup may write, and so does an exec", async () => {
    await using lab = openInputsLab();
    const pod = podWith(
      "id -u; id -g; id -G; touch /data/x && stat -c %g /data/x; echo $HOME; echo said >>/dev/stdout; exec sleep infinity",
      { volumeMounts: [mount("data", "/data")], securityContext: { runAsUser: 1234 } },
      {
        volumes: [{ name: "data", emptyDir: {} }],
        securityContext: { runAsUser: 1, runAsGroup: 3000, fsGroup: 2000, supplementalGroups: [4000] },
      },
    );
    const container = await lab.start(pod);
    const want = "1234\n3000\n3000 2000 4000\n2000\n/\nsaid\n";
    await until(() => container.log().length >= want.length, "all lines").catch(() => {});
    assert.deepEqual(container.log().replace("3000 4000 2000", "3000 2000 4000"), want);
    const { stdout } = await execIn(container, ["sh", "-c", "id -u; grep CapEff /proc/self/status"]);
    assert.equal(stdout, "1234\nCapEff:\t0000000000000000\n");
  });

  it("has just the capabilities that it was left", async () => {
    await using lab = openInputsLab();
    const capabilities = { drop: ["ALL"], add: ["NET_BIND_SERVICE"] };
    const output = await lab.output(podWith("grep CapEff /proc/self/status", { securityContext: { capabilities } }));
    assert.equal(output, "CapEff:\t0000000000000400\n");
  });

  it("reads none of the host's secrets, though it is root", async () => {
    await using lab = openInputsLab();
    const output = await lab.output(podWith("cat /etc/shadow /etc/gshadow; ls -A /root /etc/ssh 2>/dev/null; id -un"));
    assert.equal(output.replaceAll(/^\/.*:$|^$/gm, "").trim(), "root");
    assert.notEqual(readFileSync("/etc/shadow", "utf8"), "");
  });

  it("can fill no scratch folder with more than 64 MiB, or 16,384 files", async () => {
    await using lab = openInputsLab();
    const script = `head -c 80000000 /dev/zero >/tmp/big; stat -c %s /tmp/big; rm /tmp/big; mkdir /tmp/many; cd /tmp/many; seq 20000 | xargs touch 2>/dev/null; ls | wc -l`;
    const lines = (await lab.output(podWith(script))).trim().split("\n");
    assert.match(lines[0] ?? "", /No space left on device/);
    assert.equal(lines[1], String(64 * 1024 * 1024));
    assert.ok(Number(lines[2]) < 16_384, lines[2]);
  });
}
