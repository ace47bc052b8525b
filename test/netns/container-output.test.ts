/* What real containers print, in their logs. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { linuxContainers } from "#kernel/containers.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { openContainerLab, processesNamed } from "./container-lab.ts";

const someUser = { uid: 1_000, gid: 1_000, groups: [] };

describe("a container's output", () => {
  before(requireSandbox);

  for (const [who, rights] of [
    ["root", {}],
    ["another user", { user: someUser }],
  ] as const) {
    it(`is whole where its program, as ${who}, opens /dev/stdout and /dev/stderr anew`, async () => {
      await using lab = openContainerLab();
      const script = "echo one; echo two >/dev/stdout; echo three >/dev/stderr; echo four >/proc/self/fd/1; echo five";
      const container = await lab.start(["sh", "-c", script], { rights });
      assert.equal(await container.exitCode(), 0);
      assert.equal(container.log(), "one\ntwo\nthree\nfour\nfive\n");
    });
  }

  it("is all in the log when it has exited, what its last processes print too", async () => {
    await using lab = openContainerLab();
    const bytes = 3 * 1024 * 1024;
    for (let round = 0; round < 5; round++) {
      const container = await lab.start(["sh", "-c", `yes | head -c ${bytes} & wait; yes >/dev/null & yes | head -c ${bytes}`]);
      assert.equal(await container.exitCode(), 0);
      assert.equal(statSync(container.logPath).size, 2 * bytes);
    }
  });

  it("is all in the log when it was killed", async () => {
    await using lab = openContainerLab();
    const container = await lab.start(["sh", "-c", "while :; do echo line; done"]);
    await until(() => container.log().length > 1_000, "some lines");
    linuxContainers.kill(container.stateDir);
    assert.equal(await container.exitCode(), 137);
    const log = container.log();
    // unshare of util-linux 2.38 says of a child that was killed that it can't pass the signal on.
    assert.equal(log.replaceAll("line\n", "").replace(/^unshare: sigprocmask .*\n$/, ""), "");
    await until(() => processesNamed(container.stateDir).length === 0, "no process of it");
    assert.equal(container.log(), log);
  });

  it("loses nothing when its starter is killed, and leaves no process when it ends", async () => {
    await using lab = openContainerLab();
    const spec = lab.spec(["sh", "-c", "i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo $i; sleep 0.01; done"]);
    const container = lab.at(spec);
    const starter = spawn(process.execPath, [join(import.meta.dirname, "start-container.ts"), JSON.stringify(spec)], {
      stdio: "ignore",
    });
    await until(() => existsSync(spec.logPath) && container.log().includes("\n3\n"), "the third line");
    starter.kill("SIGKILL");
    assert.equal(await container.exitCode(), 0);
    assert.deepEqual(
      container.log().trimEnd().split("\n").map(Number),
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    await until(() => processesNamed(spec.stateDir).length === 0, "no process of it");
  });
});
