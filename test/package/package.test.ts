/* The npm package from its tarball, outside of the checkout: what is in it, and that it works wherever it is installed. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify } from "#kernel/processes.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { assertNothingLeft, sandboxOf } from "../support/cluster.ts";
import { cleanEnv, runPodwire } from "../support/podwire.ts";
import { clusterTraces, processesBelow } from "../support/proc.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { install, type Layout, layouts, type Packed, pack } from "./packed.ts";

const checkout = join(import.meta.dirname, "..", "..");
const bytesMax = 5 * 1024 * 1024;
const mayHold = [
  /^(README\.md|LICENSE|package\.json|podwire)$/,
  /^examples\/([^/]+\.yaml|testing\/(package\.json|test\/[^/]+\.js))$/,
  /^(Dockerfile|docker-compose\.yml|\.dockerignore|docker\/[^/]+\.sh)$/,
  /^dist\/testing\/[^/]+\.(js|d\.ts)$/,
  /^dist\/package\.json$/,
  /^dist\/(core|rpc|process|kernel|control-plane|node-agent|cli|embedded|proto\/gen)\/.+\.js$/,
  /^dist\/kernel\/[^/]+\.sh$/,
  /^dist\/toolbox\/([^/]+\.mjs|toolbox|agnhost|pause\.sh)$/,
];

describe("the npm package", () => {
  let root: string;
  let packed: Packed;
  before(() => {
    requireSandbox();
    root = realpathSync(mkdtempSync(join(tmpdir(), "podwire-package-")));
    packed = pack(root);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const installed = (layout?: Layout) => install(packed, mkdtempSync(join(root, "app-")), layout);

  it("holds what it needs to run and the examples, and nothing else", () => {
    const strays = packed.files.filter(({ path }) => !mayHold.some((pattern) => pattern.test(path)));
    assert.deepEqual(strays, []);
    for (const file of ["README.md", "examples/hello.yaml", "dist/kernel/init.sh", "dist/toolbox/toolbox"]) {
      assert.ok(
        packed.files.some(({ path }) => path === file),
        `${file} is missing`,
      );
    }
  });

  it("is at most 5 MB besides what it depends on", () => {
    const bytes = packed.files.reduce((sum, file) => sum + file.bytes, 0);
    assert.ok(bytes <= bytesMax, `${bytes} bytes`);
  });

  for (const layout of layouts) {
    it(`starts as ${layout.name} would install it, and tells its version`, async () => {
      const { command, home } = installed(layout);
      const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
      const env = { PATH: "/usr/bin:/bin" };
      const answer = await runPodwire(["version", "--client"], { env, cwd: root, launcher: command });
      assert.deepEqual(answer, { code: 0, stdout: `Client Version: v${version}\n`, stderr: "" });
    });
  }

  it("has every module that its modules name", async () => {
    const { home } = installed();
    // A program's own module runs it; the others do nothing when they are imported.
    const modules = packed.files.filter(({ path }) => /^dist.*\.m?js$/.test(path) && !/(main|supervisor)\.m?js$/.test(path));
    for (const { path } of modules) await import(join(home, path));
    const named = packed.files
      .filter(({ path }) => /^dist.*\.m?js$/.test(path))
      .flatMap(({ path }) => {
        const text = readFileSync(join(home, path), "utf8");
        return [...text.matchAll(/(?:import|resolve)\("(\.[^"]+)"\)/g)].map(([, name = ""]) => join(path, "..", name));
      });
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter((path) => !existsSync(join(home, path))),
      [],
    );
  });

  it("gives a user's tests a cluster of their own, and the types of what they call", () => {
    const { home } = installed();
    const modules = join(home, "..");
    for (const name of ["mocha", "typescript", "@types"]) symlinkSync(join(checkout, "node_modules", name), join(modules, name));
    const example = join(modules, "..", "example");
    cpSync(join(home, "examples", "testing"), example, { recursive: true });
    const consumer = [
      'import { startCluster, type Cluster } from "podwire/testing";',
      "export const cluster: Promise<Cluster> = startCluster({ nodes: 3 });",
      "// @ts-expect-error",
      'export const wrong = startCluster({ nodes: "3" });',
    ];
    writeFileSync(join(example, "consumer.ts"), consumer.join("\n"));
    const env = cleanEnv({ XDG_RUNTIME_DIR: root });
    const node = (program: string, ...args: readonly string[]) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(modules, program), ...args], {
        ...{ cwd: example, env, encoding: "utf8" },
      });
      assert.equal(status, 0, `${stdout}${stderr}`);
    };
    node("typescript/bin/tsc", "--noEmit", "--strict", "--module", "nodenext", "--lib", "esnext", "--types", "", "consumer.ts");
    node("mocha/bin/mocha.js", "--timeout", "55000");
    assert.deepEqual(clusterTraces(), []);
  });

  it("makes a cluster whose pods reach each other, and leaves nothing of it", async () => {
    const { command, home } = installed();
    const runtime = join(root, "run");
    mkdirSync(runtime);
    const env = cleanEnv({ XDG_RUNTIME_DIR: runtime });
    const podwire = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await runPodwire(args, { env, cwd: root, launcher: command });
      assert.equal(code, 0, `podwire ${args.join(" ")}: ${stderr}`);
      return stdout;
    };
    const dir = join(runtime, "podwire", "podwire");

    assert.match(await podwire("help"), /\bapply\b/);
    await podwire("up", "--nodes", "2", "--detach");
    const processes = processesBelow(sandboxOf(dir)?.pid ?? assert.fail("no sandbox"));
    const identities = processes.map(({ pid }) => identify(pid));
    try {
      assert.ok(processes.some(({ argv }) => argv.includes(join(home, "dist", "control-plane", "main.js"))));
      assert.match(await podwire("version"), /^Server Version: v/m);
      await podwire("apply", "-f", join(home, "examples", "hello.yaml"));
      await podwire("wait", "--for=condition=Ready", "pod", "--all", "--timeout=20s");
      const server = JSON.parse(await podwire("get", "pod", "server", "-o", "json")) as Pod;
      const answer = await podwire("exec", "client", "--", "curl", "-s", `http://${server.status?.podIP}:8080/`);
      assert.match(answer, /^Hello from server at /);
      assert.match(await podwire("verify"), /The network model holds/);
    } finally {
      await podwire("down");
    }
    await assertNothingLeft({ dir, processes: identities });
    assert.deepEqual(clusterTraces(), []);
  });
});
