/* The life of a pod as a user sees it: how far it has come, how it is, and what happened to it. */

import assert from "node:assert/strict";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { clusterTraces } from "../support/proc.ts";
import { until } from "../support/until.ts";

describe("a pod's life", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 1 });
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
    assert.deepEqual(clusterTraces(), []);
  });

  const row = async (name: string) =>
    (await cluster.run("get", "pod", name, "--no-headers")).trim().split(/ +/).slice(0, 3).join(" ");
  const becomes = (name: string, ...want: readonly string[]) =>
    until(async () => want.includes(await row(name)), `${name} to become ${want.join(" or ")}`, 20_000);
  const shell = (name: string, script: string, more: object = {}) => ({
    ...{ name, image: "podwire/toolbox", command: ["sh", "-c", script] },
    ...{ volumeMounts: [{ name: "shared", mountPath: "/shared" }], ...more },
  });
  const shared = { volumes: [{ name: "shared", emptyDir: {} }] };

  it("goes through its init containers and its sidecar to Running", async () => {
    const initContainers = [
      shell("init", "until test -e /shared/go; do sleep 0.05; done"),
      shell("side", "exec sleep infinity", { restartPolicy: "Always" }),
    ];
    const readinessProbe = { exec: { command: ["test", "-e", "/shared/ready"] }, periodSeconds: 1 };
    const containers = [shell("main", "exec sleep infinity", { readinessProbe })];
    await cluster.apply(podOf({ name: "stages", spec: { ...shared, initContainers, containers } }));
    await becomes("stages", "stages 0/2 Init:0/2");
    await until(
      async () => (await cluster.podwire("exec", "stages", "-c", "init", "--", "touch", "/shared/go")).code === 0,
      "the exec",
    );
    await becomes("stages", "stages 1/2 Running");
    assert.equal((await cluster.podwire("wait", "--for=condition=Ready", "pod/stages", "--timeout=1s")).code, 1);
    await cluster.run("exec", "stages", "-c", "main", "--", "touch", "/shared/ready");
    await cluster.run("wait", "--for=condition=Ready", "pod/stages", "--timeout=20s");
    assert.equal(await row("stages"), "stages 2/2 Running");
    await cluster.run("delete", "pod", "stages", "--grace-period=1");
  });

  it("waits for the ConfigMap that it names, and is told of in events", async () => {
    const env = [{ name: "COLOR", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } }];
    const container = { name: "main", image: "podwire/toolbox", command: ["sh", "-c", "echo $COLOR; exec sleep infinity"], env };
    await cluster.apply(podOf({ name: "waiting", spec: { containers: [container] } }));
    await becomes("waiting", "waiting 0/1 CreateContainerConfigError");
    await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { color: "blue" } });
    await cluster.run("wait", "--for=condition=Ready", "pod/waiting", "--timeout=20s");
    await until(async () => (await cluster.run("logs", "waiting")) === "blue\n", "the colour");
    const events = await until(async () => {
      const text = await cluster.run("get", "events");
      return text.includes("Started") && text;
    }, "the events");
    assert.match(events, /Warning +Failed +pod\/waiting +Error: configmap "settings" not found/);
    assert.match(events, /Normal +Started +pod\/waiting +Started container main/);
    await cluster.run("delete", "pod", "waiting", "--grace-period=1");
  });

  it("fails with its init container, and says how", async () => {
    const initContainers = [shell("init", "echo no luck >/dev/termination-log; exit 4")];
    const containers = [shell("main", "exec sleep infinity")];
    await cluster.apply(podOf({ name: "unlucky", spec: { ...shared, initContainers, containers, restartPolicy: "Never" } }));
    await becomes("unlucky", "unlucky 0/1 Init:Error");
    const { phase, initContainerStatuses } = (await cluster.pod("unlucky")).status ?? {};
    const { exitCode, message } = initContainerStatuses?.[0]?.state?.terminated ?? {};
    assert.deepEqual([phase, exitCode, message], ["Failed", 4, "no luck\n"]);
    await cluster.run("delete", "pod", "unlucky");
  });
});
