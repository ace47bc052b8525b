import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "#core/errors.ts";
import { createTestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { startFakeCluster } from "../../support/fake-cluster.ts";

/** What the user does in each round: from the file's text to another. */
type Rounds = readonly ((text: string) => string)[];

interface Session {
  readonly argv: (readonly string[])[];
  readonly seen: string[];
  readonly modes: number[];
}

describe("podwire edit", () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startTestCluster();
    await cluster.write("create", podManifest("web", {}, { labels: { app: "web" } }));
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  const edit = async (rounds: Rounds, { line = "edit pod web", env = { EDITOR: "ed" }, exitCode = 0 } = {}) => {
    const session: Session = { argv: [], seen: [], modes: [] };
    const cli = createTestCli({
      server: cluster.address,
      clock: cluster.clock,
      env,
      async runInForeground(argv) {
        const file = argv.at(-1) ?? "";
        const round = rounds[session.seen.length];
        session.argv.push(argv);
        session.seen.push(readFileSync(file, "utf8"));
        session.modes.push(statSync(file).mode & 0o777);
        if (round !== undefined) writeFileSync(file, round(readFileSync(file, "utf8")));
        return exitCode;
      },
    });
    return { ...(await cli.type(line)), ...session };
  };
  const relabel = (value: string) => (text: string) => text.replace("app: web", `app: ${value}`);

  it("writes what was changed, and nothing else", async () => {
    const result = await edit([relabel("front")], { env: { EDITOR: "'my editor' --wait" } });
    assert.deepEqual([result.code, result.stdout, result.stderr], [0, "pod/web edited\n", ""]);
    assert.deepEqual(cluster.pod("web")?.metadata?.labels, { app: "front" });
    assert.deepEqual(result.argv[0]?.slice(0, -1), ["my editor", "--wait"]);
    assert.match(result.seen[0] ?? "", /^# [\s\S]*\napiVersion: v1\nkind: Pod\n/);
    assert.deepEqual(result.modes, [0o600]);
    assert.equal(existsSync(dirname(result.argv[0]?.at(-1) ?? "")), false);
  });

  it("keeps what somebody else changed meanwhile", async () => {
    const cli = createTestCli({
      server: cluster.address,
      env: { KUBE_EDITOR: "ed", EDITOR: "other" },
      async runInForeground([program, file = ""]) {
        assert.equal(program, "ed");
        await cluster.write("apply", podManifest("web", {}, { labels: { app: "web", other: "x" } }));
        writeFileSync(file, relabel("front")(readFileSync(file, "utf8")));
        return 0;
      },
    });
    assert.equal((await cli.type("edit pod/web")).stdout, "pod/web edited\n");
    assert.deepEqual(cluster.pod("web")?.metadata?.labels, { app: "front", other: "x" });
  });

  it("changes nothing where nothing was changed, or the file is empty", async () => {
    const same = await edit([(text) => `# a comment of mine\n${text}`]);
    assert.deepEqual([same.code, same.stdout, same.stderr], [0, "", "Edit cancelled, no changes made.\n"]);
    const empty = await edit([() => ""]);
    assert.deepEqual([empty.code, empty.stderr], [0, "Edit cancelled, saved file was empty.\n"]);
  });

  it("opens the file again with the reason where it can't be written", async () => {
    const result = await edit([relabel("'not a label!'")]);
    assert.equal(result.code, 1);
    assert.match(result.seen[1] ?? "", /^# The Pod "web" is invalid: metadata\.labels: Invalid value: "not a label!"/m);
    assert.match(
      result.stderr,
      /A copy of your changes has been stored to "(.+)"\nerror: Edit cancelled, no valid changes were saved\.\n$/,
    );
    const [, copy = ""] = /stored to "(.+)"/.exec(result.stderr) ?? [];
    assert.match(readFileSync(copy, "utf8"), /not a label!/);
    rmSync(dirname(copy), { recursive: true });
    const mended = await edit([relabel("'not a label!'"), (text) => text.replace(/'not a label!'$/m, "good")]);
    assert.deepEqual([mended.code, mended.stdout, mended.stderr], [0, "pod/web edited\n", ""]);
    assert.deepEqual(cluster.pod("web")?.metadata?.labels, { app: "good" });
  });

  it("keeps the changes where the control plane is away when they are written", async () => {
    const pod = (await cluster.list("Pod"))[0];
    assert.ok(pod);
    await using fake = await startFakeCluster({
      get: async () => pod,
      patch: async () => {
        throw new AppError("unavailable", "the control plane stops");
      },
    });
    const cli = createTestCli({
      server: fake.address,
      async runInForeground(argv) {
        const file = argv.at(-1) ?? "";
        writeFileSync(file, relabel("kept")(readFileSync(file, "utf8")));
        return 0;
      },
    });
    const { code, stderr } = await cli.type("edit pod web");
    const [, copy = ""] =
      /^A copy of your changes has been stored to "(.+)"\nError from server \(ServiceUnavailable\)/.exec(stderr) ?? [];
    assert.equal(code, 1);
    assert.match(readFileSync(copy, "utf8"), /app: kept/);
    rmSync(dirname(copy), { recursive: true });
  });

  it("asks again where the file is no YAML or another object", async () => {
    const result = await edit([() => "a: [", () => "apiVersion: v1\nkind: Pod\nmetadata: {name: other}\n", () => ""]);
    assert.match(result.seen[1] ?? "", /^# error: the edited file, line \d+: /m);
    assert.match(result.seen[2] ?? "", /^# error: apiVersion, kind, name and namespace can't be changed$/m);
    assert.deepEqual([result.code, result.stderr], [1, "Edit cancelled, saved file was empty.\n"]);
  });

  it("says where there is no editor, where it fails, and what it can't edit", async () => {
    assert.match(
      (await edit([], { exitCode: 3 })).stderr,
      /^error: there was a problem with the editor "ed": it ended with exit code 3/,
    );
    const missing = createTestCli({
      server: cluster.address,
      runInForeground: () => Promise.reject(new Error("spawn vi ENOENT")),
    });
    assert.match(
      (await missing.type("edit pod web")).stderr,
      /^error: unable to launch the editor "vi": spawn vi ENOENT \(set EDITOR\)/,
    );
    const blind = await createTestCli({ server: cluster.address }).type("edit pod web");
    assert.match(blind.stderr, /^error: there is no terminal to edit in/);
    assert.equal((await edit([], { line: "edit pod nope" })).stderr, 'Error from server (NotFound): pods "nope" not found\n');
    assert.match(
      (await edit([], { line: "edit pods" })).stderr,
      /^error: resource\(s\) were provided, but no name was specified/,
    );
  });
});
