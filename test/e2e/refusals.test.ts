/* What `podwire up` refuses on a machine that lacks something, before it makes anything; and that the doctor says the same. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import type { CliResult } from "../support/cli.ts";
import { clusterHome } from "../support/cluster.ts";
import { cleanEnv } from "../support/podwire.ts";
import { clusterTraces } from "../support/proc.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";

const launcher = join(import.meta.dirname, "..", "..", "podwire");
const up = ["up", "--detach", "--nodes", "3"];

interface Lack {
  readonly sentence: string;
  /** What starts the CLI on such a machine; the CLI's own words follow. */
  readonly start?: readonly string[];
  readonly flags?: readonly string[];
  /** One that stands before all others in PATH, and what it does. */
  readonly program?: readonly [name: string, script: string];
  readonly says: RegExp;
  /** Of the doctor's report; the doctor looks at no flags but --nodes. */
  readonly doctor?: RegExp;
}

/** `sh -c SETUP; exec "$@"` in a user namespace, whose limits are its own to set. */
const limited = (sysctl: string) => [
  ...["unshare", "--user", "--map-root-user", "--mount", "--", "sh", "-c"],
  ...[`echo 0 >/proc/sys/${sysctl} && exec "$@"`, "sh"],
];

const lacks: readonly Lack[] = [
  {
    sentence: "few open files",
    start: ["prlimit", "--nofile=40:40", "--"],
    says: /open files: 40 for a process by ulimit -Hn; 3 nodes need 60\n {4}prlimit --pid \$\$ --nofile=1024:1024/,
    doctor: /^✗ open files +40 for a process/m,
  },
  {
    sentence: "hardly any open files",
    start: ["prlimit", "--nofile=24:24", "--"],
    says: /open files: 24 for a process/,
    doctor: /^✗ open files +24 for a process/m,
  },
  {
    sentence: "no nft",
    start: ["unshare", "--mount", "--", "sh", "-c", `mount --bind /dev/null "$(command -v nft)" && exec "$@"`, "sh"],
    says: /system programs: missing: nft \(package nftables\)\n {4}apt-get install -y nftables/,
    doctor: /^✗ system programs +missing: nft \(package nftables\)$/m,
  },
  {
    sentence: "an unshare of another's",
    program: ["unshare", `echo "unshare: unrecognized option '--kill-child=SIGKILL'" >&2; exit 1`],
    says: /program versions: too old: unshare: unrecognized option/,
    doctor: /^✗ program versions +too old: unshare: unrecognized option/m,
  },
  {
    sentence: "no network namespaces",
    start: limited("user/max_net_namespaces"),
    says: /namespaces: user\.max_net_namespaces=0\n {4}sysctl -w user\.max_net_namespaces=65536/,
    doctor: /^✗ namespaces +user\.max_net_namespaces=0$/m,
  },
  {
    sentence: "pod and service ranges that overlap",
    flags: ["--pod-cidr", "10.96.0.0/12"],
    says: /^error: --pod-cidr 10\.96\.0\.0\/12 and --service-cidr 10\.96\.0\.0\/16 overlap: choose ranges that share no address\n$/,
  },
];

describe("a machine that lacks something", () => {
  let home: string;

  beforeEach(() => {
    requireSandbox();
    home = clusterHome();
  });

  afterEach(() => rmSync(home, { recursive: true, force: true }));

  for (const { sentence, start = [], flags = [], program, says, doctor } of lacks) {
    it(`with ${sentence} is refused before anything is made`, async () => {
      if (program !== undefined) writeFileSync(join(home, program[0]), `#!/bin/sh\n${program[1]}\n`, { mode: 0o755 });
      const env = cleanEnv({ XDG_RUNTIME_DIR: join(home, "run"), PATH: `${home}${delimiter}${process.env.PATH}` });
      const { code, stderr, stdout } = await runIn([...start, launcher, ...up, ...flags], env);
      assert.equal(code, 1);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /Starting cluster|bug in podwire/);
      assert.equal(stdout, "");
      assert.equal(existsSync(join(home, "run")), false, "a folder was made");
      await until(() => clusterTraces().length === 0, "an end of what was tried");
      if (doctor === undefined) return;
      const told = await runIn([...start, launcher, "doctor"], env);
      assert.equal(told.code, 1);
      assert.match(told.stdout, doctor);
      assert.match(told.stdout, /\nThis machine can't carry a cluster of 3 nodes: /);
    });
  }

  it("is told to an ordinary user by the doctor: no user namespaces, no room for processes", async () => {
    // Who asks is user 1000 of a namespace that allows no further ones.
    const asUser = ["unshare", "--user", "--map-user=1000", "--keep-caps", "--", "sh", "-c"];
    const setup = `echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"`;
    const none = await runIn([...asUser, setup, "sh", launcher, "doctor"], cleanEnv({}));
    assert.equal(none.code, 1);
    assert.match(
      none.stdout,
      /^✗ user namespaces +user\.max_user_namespaces=0\n +→ sudo sysctl -w user\.max_user_namespaces=65536$/m,
    );
    const few = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", "prlimit", "--nproc=40:40", "--"];
    const told = await runIn([...few, launcher, "doctor", "-o", "json"], cleanEnv({}));
    assert.equal(told.code, 1);
    const { fit, checks } = JSON.parse(told.stdout) as {
      fit: boolean;
      checks: { name: string; verdict: string; found: string }[];
    };
    assert.equal(fit, false);
    const processes = checks.find(({ name }) => name === "processes");
    assert.equal(processes?.verdict, "missing");
    assert.match(processes?.found ?? "", /^[0-9]+ more by ulimit -u; 3 nodes need 82$/);
  });

  it("has room for some nodes and not for more", async () => {
    const few = ["prlimit", "--nofile=60:60", "--"];
    assert.equal((await runIn([...few, launcher, "doctor", "--nodes", "3"], cleanEnv({}))).code, 0);
    const { code, stdout } = await runIn([...few, launcher, "doctor", "--nodes", "20"], cleanEnv({}));
    assert.equal(code, 1);
    assert.match(stdout, /^✗ open files +60 for a process by ulimit -Hn; 20 nodes need 145$/m);
  });
});

async function runIn(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<CliResult> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"], timeout: 30_000 });
  const code = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => resolve(status ?? 137));
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}
