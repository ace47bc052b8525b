import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAppError } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import { foundContainer } from "../../../node-agent/pods/found-container.ts";

const pod = podKind.fromJson({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: { initContainers: [{ name: "before" }], containers: [{ name: "main" }, { name: "side" }] },
});

describe("a container of a pod", () => {
  let podFolder: string;
  beforeEach(() => {
    podFolder = mkdtempSync(join(tmpdir(), "podwire-found-"));
  });
  afterEach(() => rmSync(podFolder, { recursive: true, force: true }));

  const find = (name: string) => foundContainer({ pod, name, podFolder, netns: "node-1.uid" });

  it("is found by its name, an init container too, and is the first where nobody names one", () => {
    assert.deepEqual(
      ["side", "before", ""].map((name) => find(name).name),
      ["side", "before", "main"],
    );
    assert.equal(find("side").netns, "node-1.uid");
  });

  it("is not found under another name", () => {
    assert.throws(
      () => find("other"),
      (error) => isAppError(error, "invalid") && error.message === "container other is not valid for pod web",
    );
  });

  it("has the folder of its newest run, and the logs of that and of the run before", () => {
    const folder = join(podFolder, "containers", "main");
    mkdirSync(folder, { recursive: true });
    assert.deepEqual([find("main").logPath(0), find("main").logPath(1)], [undefined, undefined]);
    for (const run of [9, 10]) {
      mkdirSync(join(folder, String(run)));
      writeFileSync(join(folder, `${run}.log`), "");
    }
    const { stateDir, logPath } = find("main");
    assert.equal(stateDir, join(folder, "10"));
    assert.deepEqual([logPath(0), logPath(1), logPath(11)], [join(folder, "10.log"), join(folder, "9.log"), undefined]);
  });
});
