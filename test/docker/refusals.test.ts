/* What a container says, in one line, where it can't do its work. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/until.ts";
import { docker, tryDocker } from "./docker.ts";
import { buildImage, image } from "./image.ts";

const capabilities = ["NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE"].flatMap((name) => ["--cap-add", name]);
const tun = ["--device", "/dev/net/tun"];
/** Docker's own profile lets mounts pass with SYS_ADMIN; this one stands for AppArmor's, which doesn't. */
const noMounts = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mount", "fsconfig", "mount_setattr"], action: "SCMP_ACT_ERRNO", errnoRet: 13 }],
};

describe("a container", () => {
  // Its name must end so: that is how containers know the hosts' network.
  const network = `podwire-test-${randomBytes(3).toString("hex")}_hosts`;
  let folder: string;
  before(async function () {
    this.timeout(300_000);
    await buildImage();
    folder = mkdtempSync(join(tmpdir(), "podwire-docker-"));
    await docker(["network", "create", "--internal", "--subnet", "10.244.200.0/24", network]);
  });
  after(async () => {
    await docker(["network", "rm", network]);
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (options: readonly string[], ...argv: readonly string[]) =>
    tryDocker(["run", "--rm", "--network", network, ...options, image, ...argv]);

  const cases: readonly (readonly [sentence: string, options: readonly string[], argv: readonly string[], message: RegExp])[] = [
    [
      "that lacks capabilities names them",
      ["--cap-drop", "ALL", "--cap-add", "KILL", ...tun],
      ["node-agent"],
      /^error: the container lacks capabilities: CHOWN .*NET_ADMIN .*SYS_ADMIN: add them to its cap_add, as docker-compose\.yml has them\n$/,
    ],
    [
      "without TUN says how to give it one",
      capabilities,
      ["node-agent"],
      /^error: the container has no \/dev\/net\/tun: add it to its devices; where the machine has none, load the kernel module tun\n$/,
    ],
    [
      "that is no command of the image names those that are",
      [],
      ["agent"],
      /^error: "agent" is no command of this image: want control-plane, node-agent or cli\n$/,
    ],
  ];
  for (const [sentence, options, argv, message] of cases) {
    it(sentence, async () => {
      const { code, stderr, stdout } = await start(options, ...argv);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [1, ""]);
    });
  }

  it("that may not mount says which option to add", async () => {
    const profile = join(folder, "profile.json");
    writeFileSync(profile, JSON.stringify(noMounts));
    const { code, stderr } = await start([...capabilities, ...tun, "--security-opt", `seccomp=${profile}`], "node-agent");
    assert.match(stderr, /^error: the container may not mount anything: add apparmor=unconfined to its security_opt .*\n$/);
    assert.equal(code, 1);
  });

  it("in no network of hosts says that it needs one", async () => {
    const { code, stderr } = await tryDocker(["run", "--rm", "--network", "none", "--user", "podwire", image, "control-plane"]);
    assert.match(stderr, /^error: this container has no name in a network "hosts": run it by Compose, with that network\n$/);
    assert.equal(code, 1);
  });

  it("whose network collides with the cluster's ranges says which and ends", async () => {
    const { code, stdout } = await start(["--user", "podwire"], "control-plane");
    const { level, msg } = JSON.parse(stdout.split("\n")[0] ?? "");
    assert.equal(
      msg,
      "the hosts' own network 10.244.200.0/24 and --pod-cidr 10.244.0.0/16 overlap: choose ranges that share no address",
    );
    assert.deepEqual([code, level], [1, 60]);
  });

  it("says that a flag is wrong, by its variable too", async () => {
    const { code, stderr } = await start(["--user", "podwire", "--env", "PODWIRE_POD_CIDR=ten"], "control-plane");
    assert.match(stderr, /^error: --pod-cidr: "ten" is not a CIDR/);
    assert.equal(code, 1);
  });

  it("with a join token of another cluster says so, and goes on trying", async () => {
    const names = ["plane", "agent"].map((name) => `${network}-${name}`);
    const [plane = "", agent = ""] = names;
    const other = join(folder, "token");
    writeFileSync(other, "0".repeat(64), { mode: 0o600 });
    const ranges = ["--env", "PODWIRE_POD_CIDR=10.8.0.0/16"];
    try {
      const named = ["--network", network, "--network-alias", "control-plane", "--user", "podwire", ...ranges];
      await docker(["run", "--detach", "--name", plane, ...named, image, "control-plane"]);
      const token = ["--volume", `${other}:/var/lib/podwire/join/token:ro`];
      await docker([
        "run",
        "--detach",
        "--name",
        agent,
        "--network",
        network,
        ...capabilities,
        ...tun,
        ...token,
        image,
        "node-agent",
      ]);
      const said = () => docker(["logs", agent]);
      await until(async () => (await said()).includes("that is not the join token of this cluster"), "the reason", 60_000, 200);
      assert.equal(await docker(["inspect", "--format", "{{.State.Running}}", agent]), "true");
      assert.ok(!(await said()).includes("0".repeat(64)));
    } finally {
      await tryDocker(["rm", "--force", ...names]);
    }
  });
});
