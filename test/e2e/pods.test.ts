/* Pods as a user meets them: the example, exit codes, restarts, streams, and why a pod does not run. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf, serverPod } from "../support/pod-manifests.ts";
import { clusterTraces } from "../support/proc.ts";
import { until } from "../support/until.ts";

const hello = join(import.meta.dirname, "..", "..", "examples", "hello.yaml");

describe("pods", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
    assert.deepEqual(clusterTraces(), []);
  });

  const ip = async (name: string) => (await cluster.pod(name)).status?.podIP ?? "";
  const remove = (...names: readonly string[]) => cluster.run("delete", "pod", ...names, "--grace-period=1");
  const row = async (name: string) => (await cluster.run("get", "pod", name, "--no-headers")).trim().split(/ +/);
  const sees = (name: string, holds: (pod: Pod) => boolean, what: string) =>
    until(async () => holds(await cluster.pod(name)), `${name} ${what}`, 15_000);

  describe("of examples/hello.yaml", () => {
    let addresses: readonly string[];
    it("are made, and shown with their address and node", async () => {
      assert.equal(await cluster.run("apply", "-f", hello), "pod/server created\npod/client created\n");
      await cluster.run("wait", "--for=condition=Ready", "pod/server", "pod/client", "--timeout=20s");
      addresses = [await ip("server"), await ip("client")];
      const wide = await cluster.run("get", "pods", "-l", "app=hello", "-o", "wide");
      const [titles, client, server] = wide.trim().split("\n");
      assert.match(titles ?? "", /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/);
      assert.match(client ?? "", new RegExp(`^client +1/1 +Running +0 +[0-9]+s +${addresses[1]} +node-2`));
      assert.match(server ?? "", new RegExp(`^server +1/1 +Running +0 +[0-9]+s +${addresses[0]} +node-1`));
    });

    it("reach each other across nodes, and the server sees the client's own address", async () => {
      const answer = await cluster.run("exec", "client", "--", "curl", "-s", `http://${addresses[0]}:8080/`);
      assert.equal(answer, `Hello from server at ${addresses[0]}. I see you as ${addresses[1]}.\n`);
    });

    it("have logs", async () => {
      assert.equal(await cluster.run("logs", "server"), "listening on port 8080\n");
    });

    it("are unchanged by the same apply", async () => {
      assert.equal(await cluster.run("apply", "-f", hello), "pod/server unchanged\npod/client unchanged\n");
    });

    it("go with delete, and get new addresses when they come again", async () => {
      assert.equal(
        await cluster.run("delete", "-f", hello),
        'pod "server" deleted from default namespace\npod "client" deleted from default namespace\n',
      );
      assert.equal(
        (await cluster.podwire("get", "pods", "-l", "app=hello")).stderr,
        "No resources found in default namespace.\n",
      );
      await cluster.run("apply", "-f", hello);
      await cluster.run("wait", "--for=condition=Ready", "pod/server", "pod/client", "--timeout=20s");
      assert.notEqual(await ip("server"), addresses[0]);
      assert.notEqual(await ip("client"), addresses[1]);
      await cluster.run("delete", "-f", hello);
    });
  });

  describe("take exec, which", () => {
    before(() => cluster.makePods(podOf({ name: "shell" })));
    after(() => remove("shell"));

    it("ends with the program's exit code", async () => {
      const { code, stderr, stdout } = await cluster.podwire("exec", "shell", "--", "sh", "-c", "echo out; echo err >&2; exit 7");
      assert.deepEqual(
        { code, stdout, stderr },
        { code: 7, stdout: "out\n", stderr: "err\ncommand terminated with exit code 7\n" },
      );
    });

    it("takes 128 + the signal that ended it", async () => {
      const { code } = await cluster.podwire("exec", "shell", "--", "sh", "-c", "kill -TERM $$");
      assert.equal(code, 143);
    });

    it("passes 10 MiB of standard input whole", async () => {
      const bytes = randomBytes(10 * 1024 * 1024);
      const { code, stdout } = await cluster.feed(bytes, "exec", "-i", "shell", "--", "sha256sum");
      assert.deepEqual([code, stdout.split(" ")[0]], [0, createHash("sha256").update(bytes).digest("hex")]);
    });

    it("passes 4 MiB of standard output whole", async () => {
      const out = await cluster.run("exec", "shell", "--", "head", "-c", String(4 * 1024 * 1024), "/dev/zero");
      assert.equal(out.length, 4 * 1024 * 1024);
    });

    it("passes no standard input without -i", async () => {
      const { stdout } = await cluster.feed("nothing of this", "exec", "shell", "--", "wc", "-c");
      assert.equal(stdout.trim(), "0");
    });

    it("says that a program is missing", async () => {
      const { code, stderr } = await cluster.podwire("exec", "shell", "--", "no-such-program");
      assert.equal(code, 127);
      assert.match(stderr, /no-such-program/);
    });

    it("ends the program inside when the CLI is interrupted", async () => {
      await using run = cluster.start("exec", "shell", "--", "sh", "-c", "echo begun; exec sleep 4321");
      await run.says("begun");
      const runs = () => cluster.processes().filter(({ argv }) => argv.join(" ") === "sleep 4321").length;
      await until(() => runs() === 1, "the program");
      run.process.kill("SIGINT");
      assert.equal((await run.result).code, 130);
      await until(() => runs() === 0, "the end of the program");
    });

    for (const { words, says } of [
      { words: ["nobody", "--", "true"], says: /pods "nobody" not found/ },
      { words: ["shell", "-c", "other", "--", "true"], says: /container other is not valid for pod shell/ },
      { words: ["shell", "true"], says: /exec POD -- |exec \[POD\] -- \[COMMAND\]/ },
      { words: ["shell"], says: /at least one command/ },
    ]) {
      it(`refuses exec ${words.join(" ")}`, async () => {
        const { code, stderr } = await cluster.podwire("exec", ...words);
        assert.equal(code, 1);
        assert.match(stderr, says);
      });
    }
  });

  describe("end", () => {
    const once = (name: string, script: string, restartPolicy = "Never") =>
      podOf({ name, command: ["sh", "-c", script], spec: { restartPolicy } });

    it("as Completed or Error by their exit code, and stay so", async () => {
      await cluster.apply(once("fine", "exit 0"), once("broken", "echo why >&2; exit 3"));
      await sees("fine", ({ status }) => status?.phase === "Succeeded", "has not succeeded");
      await sees("broken", ({ status }) => status?.phase === "Failed", "has not failed");
      assert.deepEqual((await row("fine")).slice(0, 4), ["fine", "0/1", "Completed", "0"]);
      assert.deepEqual((await row("broken")).slice(0, 4), ["broken", "0/1", "Error", "0"]);
      const [state] = (await cluster.pod("broken")).status?.containerStatuses ?? [];
      assert.equal(state?.state?.terminated?.exitCode, 3);
      assert.equal(await cluster.run("logs", "broken"), "why\n");
    });

    it("and come again: at once, then in CrashLoopBackOff with a count of restarts", async () => {
      await cluster.apply(once("crashing", "exit 1", "Always"));
      await until(async () => (await row("crashing"))[2] === "CrashLoopBackOff", "CrashLoopBackOff");
      const [state] = (await cluster.pod("crashing")).status?.containerStatuses ?? [];
      assert.ok((state?.restartCount ?? 0) >= 1);
      assert.equal(state?.lastState?.terminated?.exitCode, 1);
      assert.match(state?.state?.waiting?.message ?? "", /back-off/);
      await remove("crashing");
    });

    it("with an exit code of 137 where KILL ended them", async () => {
      await cluster.apply(once("killed", "kill -KILL $$$$"));
      await sees("killed", ({ status }) => status?.phase === "Failed", "has not failed");
      const [state] = (await cluster.pod("killed")).status?.containerStatuses ?? [];
      assert.equal(state?.state?.terminated?.exitCode, 137);
    });
  });

  it("without a command for a foreign image wait in ErrImagePull and ImagePullBackOff, with what to do", async () => {
    await cluster.apply(podOf({ name: "foreign", spec: { containers: [{ name: "main", image: "nginx:1.27" }] } }));
    await until(async () => /^(ErrImagePull|ImagePullBackOff)$/.test((await row("foreign"))[2] ?? ""), "the reason");
    const [state] = (await cluster.pod("foreign")).status?.containerStatuses ?? [];
    assert.match(state?.state?.waiting?.message ?? "", /pulls no images: give the container a command/);
  });

  it("with a program that does not exist say so", async () => {
    await cluster.apply(podOf({ name: "typo", command: ["no-such-program"], spec: { restartPolicy: "Never" } }));
    await sees("typo", ({ status }) => status?.phase === "Failed", "has not failed");
    assert.match(`${await cluster.run("logs", "typo")} ${await cluster.run("describe", "pod", "typo")}`, /no-such-program/);
  });

  it("in the node's own network have the node's address", async () => {
    const [pod] = await cluster.makePods(serverPod("host", { node: "node-2", spec: { hostNetwork: true } }));
    assert.equal(pod?.status?.podIP, "172.18.1.2");
    assert.equal(pod?.status?.hostIP, "172.18.1.2");
    await cluster.makePods(podOf({ name: "guest", node: "node-1" }));
    const answer = await cluster.run("exec", "guest", "--", "curl", "-s", "http://172.18.1.2:8080/clientip");
    assert.equal(answer.split(":")[0], await ip("guest"));
  });

  it("have containers that meet on localhost and have their own logs", async () => {
    const containers = [
      { name: "web", image: "podwire/toolbox", args: ["http-server", "--port", "9000"] },
      { name: "side", image: "podwire/toolbox", command: ["sh", "-c", "echo side; exec sleep inf"] },
    ];
    await cluster.makePods(podOf({ name: "pair", spec: { containers } }));
    const answer = await cluster.run("exec", "pair", "-c", "side", "--", "curl", "-s", "http://127.0.0.1:9000/clientip");
    assert.match(answer, /^127\.0\.0\.1:/);
    assert.equal(await cluster.run("logs", "pair", "-c", "side"), "side\n");
    assert.equal(await cluster.run("logs", "pair", "-c", "web"), "listening on port 9000\n");
    assert.deepEqual((await row("pair")).slice(1, 3), ["2/2", "Running"]);
  });

  it("that no node matches are Pending, with the scheduler's reason", async () => {
    await cluster.apply(podOf({ name: "picky", spec: { nodeSelector: { disk: "ssd" } } }));
    await sees(
      "picky",
      ({ status }) => status?.conditions.some(({ reason }) => reason === "Unschedulable") ?? false,
      "no reason",
    );
    assert.deepEqual((await row("picky")).slice(1, 3), ["0/1", "Pending"]);
    const scheduled = (await cluster.pod("picky")).status?.conditions.find(({ type }) => type === "PodScheduled");
    assert.equal(scheduled?.message, "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.");
  });

  it("keep off a cordoned node, and go there again once it is uncordoned", async () => {
    const cordon = (unschedulable: boolean) =>
      cluster.apply({ apiVersion: "v1", kind: "Node", metadata: { name: "node-1" }, spec: { unschedulable } });
    await cordon(true);
    assert.match(await cluster.run("get", "nodes", "--no-headers"), /node-1 +Ready,SchedulingDisabled/);
    const names = ["one", "two", "three"];
    const pods = await cluster.makePods(...names.map((name) => podOf({ name })));
    assert.deepEqual(
      pods.map(({ spec }) => spec?.nodeName),
      ["node-2", "node-2", "node-2"],
    );
    await cordon(false);
    const [fourth] = await cluster.makePods(podOf({ name: "four" }));
    assert.equal(fourth?.spec?.nodeName, "node-1");
    await remove(...names, "four");
  });

  it("end at once with --force, although they ignore TERM and have a long grace period", async () => {
    const stubborn = podOf({
      name: "stubborn",
      command: ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
      spec: { terminationGracePeriodSeconds: 300 },
    });
    const [pod] = await cluster.makePods(stubborn);
    assert.ok(pod);
    assert.notEqual(cluster.containerProcesses(pod).length, 0);
    await cluster.run("delete", "pod", "stubborn", "--force", "--grace-period=0");
    await until(() => cluster.containerProcesses(pod).length === 0, "the end of its processes", 3_000);
    assert.match((await cluster.podwire("get", "pod", "stubborn")).stderr, /pods "stubborn" not found/);
  });
});
