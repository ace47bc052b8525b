/* A session at the keyboard, from a real cluster: make, look, change, undo. */

import assert from "node:assert/strict";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { runPodwire } from "../support/podwire.ts";
import { until } from "../support/until.ts";

describe("the verbs of a session", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
  });
  after(() => cluster[Symbol.asyncDispose]());

  it("run a pod once: its output and its exit code are the command's own, and it is gone afterwards", async () => {
    const words = ["--image=podwire/toolbox", "--restart=Never", "--command", "--", "sh", "-c", "echo done; exit 3"];
    const once = await cluster.podwire("run", "once", "--attach", "--rm", ...words);
    assert.deepEqual(once, { code: 3, stdout: 'done\npod "once" deleted from default namespace\n', stderr: "" });
    await cluster.run("wait", "--for=delete", "pod/once", "--timeout=20s");
  });

  for (const [what, input] of [
    ["a line", "hello\n"],
    ["nothing", ""],
    ["megabytes", "0123456789abcde\n".repeat(128 * 1024)],
  ] as const) {
    it(`run a pod that gets ${what} from standard input, and its end`, async () => {
      const cat = ["--image=podwire/toolbox", "--restart=Never", "--command", "--", "cat"];
      const { code, stdout } = await cluster.feed(input, "run", "-i", "--rm", "echo", ...cat);
      assert.equal(code, 0);
      assert.ok(stdout === `${input}pod "echo" deleted from default namespace\n`, `${stdout.length} bytes came back`);
      await cluster.run("wait", "--for=delete", "pod/echo", "--timeout=20s");
    });
  }

  it("run a pod whose input stays open where that is asked for", async () => {
    const words = ["--image=podwire/toolbox", "--restart=Never", "--command", "--", "sh", "-c", "read a; read b; echo $a $b"];
    await using first = cluster.start("run", "-i", "--leave-stdin-open", "patient", ...words);
    await until(async () => (await cluster.podwire("get", "pod", "patient")).stdout.includes("Running"), "the pod");
    await cluster.feed("one\ntwo\n", "attach", "-i", "patient");
    assert.deepEqual(await first.result, { code: 0, stdout: "one two\n", stderr: "" });
  });

  it("tell what happened to a pod", async () => {
    await cluster.run("create", "configmap", "settings", "--from-literal=mode=test");
    await cluster.run("run", "web", "--image=podwire/toolbox", "--command", "--", "sleep", "inf");
    await cluster.run("wait", "--for=condition=Ready", "pod/web", "--timeout=20s");
    const description = await cluster.run("describe", "pod", "web");
    const reasons = description.slice(description.indexOf("\nEvents:")).matchAll(/^ {2}Normal +(\w+)/gm);
    assert.deepEqual(
      [...reasons].map(([, reason]) => reason),
      ["Scheduled", "Pulled", "Created", "Started"],
    );
    assert.match(await cluster.run("events", "--for", "pod/web"), /Normal +Started +Pod\/web +Started container web\n$/);
  });

  it("change a pod in an editor, and by label", async () => {
    const env = { ...cluster.env, KUBE_EDITOR: "sed -i 's/run: web/run: front/'" };
    const edited = await runPodwire(["edit", "pod", "web"], { env });
    assert.deepEqual(edited, { code: 0, stdout: "pod/web edited\n", stderr: "" });
    assert.equal(await cluster.run("label", "pods", "-l", "run=front", "tier=front"), "pod/web labeled\n");
    assert.deepEqual((await cluster.pod("web")).metadata?.labels, { run: "front", tier: "front" });
  });

  it("keep pods off a node, and let them come again", async () => {
    await cluster.run("cordon", "node-1");
    await cluster.run("taint", "nodes", "node-2", "a=b:NoSchedule");
    await cluster.run("run", "late", "--image=podwire/toolbox", "--command", "--", "sleep", "inf");
    await until(
      async () => /FailedScheduling/.test(await cluster.run("get", "events", "--field-selector", "involvedObject.name=late")),
      "the scheduler's word",
    );
    await cluster.run("taint", "nodes", "node-2", "a-");
    await cluster.run("wait", "--for=condition=Ready", "pod/late", "--timeout=20s");
    assert.equal((await cluster.pod("late")).spec?.nodeName, "node-2");
    assert.equal(await cluster.run("uncordon", "node-1"), "node/node-1 uncordoned\n");
  });
});
