/* Services on a whole cluster, through the command line: what needs the API, the controllers and every node's rules together. The tests
 * are named after Kubernetes' own (docs/conformance.md). */

import assert from "node:assert/strict";
import type { Service } from "#proto/podwire/v1/resources.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { startRequests } from "../support/service-traffic.ts";
import { until } from "../support/until.ts";

const image = "registry.k8s.io/e2e-test-images/agnhost:2.53";

interface Backend {
  readonly node: string;
  readonly app?: string;
  readonly port?: number;
  readonly spec?: object;
  readonly container?: object;
}

/** A server that tells its host name, by TCP and UDP. */
function backend(name: string, { node, app = "web", port = 8080, spec, container }: Backend): object {
  const main = {
    ...{ name: "main", image, args: ["netexec", `--http-port=${port}`, `--udp-port=${port}`] },
    ports: [{ name: "http", containerPort: port }],
    readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 1 },
    ...container,
  };
  const pod = podOf({ name, node, spec: { containers: [main], ...spec } }) as { metadata: object };
  return { ...pod, metadata: { ...pod.metadata, labels: { app } } };
}

function service(name: string, spec: object = {}): object {
  const ports = [{ port: 80, targetPort: 8080 }];
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: { app: "web" }, ports, ...spec } };
}

/** By what curl ends with. */
const failures: Readonly<Record<string, string>> = { "curl 6": "NO NAME", "curl 7": "REFUSED", "curl 28": "TIMEOUT" };

describe("Services", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 3 });
    await cluster.makePods(
      backend("web-1", { node: "node-1" }),
      backend("web-2", { node: "node-2" }),
      podOf({ name: "client", node: "node-3" }),
      podOf({
        name: "host",
        node: "node-3",
        spec: { hostNetwork: true, containers: [{ name: "main", image: "podwire/toolbox" }] },
      }),
    );
  });
  after(() => cluster[Symbol.asyncDispose]());
  afterEach(() => cluster.run("delete", "svc", "-l", "!provider", "--ignore-not-found"));

  const get = async (name: string) => JSON.parse(await cluster.run("get", "svc", name, "-o", "json")) as Service;
  /** What a client is told, each time that it asks, or the word for why nobody answered. */
  const askOften = async (times: number, url: string, client: string) => {
    const script = 'for i in $(seq "$1"); do curl -s --max-time 2 "$2" || printf "curl %s" $?; echo; done';
    const { stdout } = await cluster.podwire("exec", client, "--", "sh", "-c", script, "sh", String(times), url);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => failures[line] ?? line);
  };
  const ask = async (url: string, client = "client") => (await askOften(1, url, client))[0] ?? "";
  const answers = async (url: string, client = "client") => [...new Set(await askOften(16, url, client))].sort();
  const becomes = (url: string, want: readonly string[]) =>
    until(async () => (await answers(url)).join() === want.join(), `${url} to be answered by ${want.join()}`, 15_000);
  const nodeAddress = async (node: string) =>
    (await cluster.node(node)).status?.addresses.find(({ type }) => type === "InternalIP")?.address ?? assert.fail(node);
  const both = ["web-1", "web-2"];

  it("should be able to create a functioning NodePort service", async () => {
    await cluster.apply(service("web", { type: "NodePort" }));
    const { spec } = await get("web");
    await becomes("http://web/hostname", both);
    assert.deepEqual(await answers(`http://${spec?.clusterIP}:80/hostname`), both);
    for (const node of ["node-1", "node-2", "node-3"]) {
      const url = `http://${await nodeAddress(node)}:${spec?.ports[0]?.nodePort}/hostname`;
      assert.deepEqual(await answers(url), both, `from a pod, at ${node}`);
      assert.deepEqual(await answers(url, "host"), both, `from a node, at ${node}`);
    }
  });

  it("should be able to change the type from ExternalName to ClusterIP", async () => {
    await cluster.apply(service("change", { type: "ExternalName", externalName: "web.example", ports: [], selector: {} }));
    assert.equal(await ask("http://change/hostname"), "NO NAME");
    await cluster.apply(service("change"));
    await becomes("http://change/hostname", both);
  });

  it("should be able to change the type from ExternalName to NodePort", async () => {
    await cluster.apply(service("change", { type: "ExternalName", externalName: "web.example", ports: [], selector: {} }));
    await cluster.apply(service("change", { type: "NodePort" }));
    const { spec } = await get("change");
    await becomes(`http://${await nodeAddress("node-3")}:${spec?.ports[0]?.nodePort}/hostname`, both);
  });

  for (const { type, title } of [
    { type: "ClusterIP", title: "should be able to change the type from ClusterIP to ExternalName" },
    { type: "NodePort", title: "should be able to change the type from NodePort to ExternalName" },
  ]) {
    it(title, async () => {
      await cluster.apply(service("target"), service("change", { type }));
      const { spec } = await get("change");
      await becomes("http://change/hostname", both);
      await cluster.apply(service("change", { type: "ExternalName", externalName: "target.default.svc.cluster.local" }));
      const after = await get("change");
      assert.deepEqual([after.spec?.clusterIP, after.spec?.ports[0]?.nodePort], [undefined, undefined]);
      // Of an address that nobody holds nothing comes back.
      await until(async () => (await ask(`http://${spec?.clusterIP}/`)) === "TIMEOUT", "silence at the old address");
      const nodePort = spec?.ports[0]?.nodePort;
      if (nodePort !== undefined) assert.equal(await ask(`http://${await nodeAddress("node-1")}:${nodePort}/`), "REFUSED");
      const name = await cluster.run("exec", "client", "--", "getent", "hosts", "change");
      assert.match(name, new RegExp(`^${(await get("target")).spec?.clusterIP} +target\\.default\\.svc\\.cluster\\.local`));
    });
  }

  it("should update endpoints: http, should update endpoints: udp", async () => {
    const ports = [
      { name: "t", port: 80, targetPort: 8080 },
      { name: "u", port: 80, targetPort: 8080, protocol: "UDP" },
    ];
    await cluster.apply(service("moving", { selector: { app: "moving" }, ports }));
    await cluster.makePods(
      backend("moving-1", { node: "node-1", app: "moving" }),
      backend("moving-2", { node: "node-2", app: "moving" }),
    );
    const dial = async (protocol: string) => {
      const query = `host=moving&port=80&request=hostname&protocol=${protocol}&tries=8`;
      const { podIP } = (await cluster.pod("web-1")).status ?? {};
      const { responses = [] } = JSON.parse(await ask(`http://${podIP}:8080/dial?${query}`)) as { responses?: string[] };
      return [...new Set(responses)].sort().join();
    };
    for (const protocol of ["http", "udp"])
      await until(async () => (await dial(protocol)) === "moving-1,moving-2", `both by ${protocol}`);
    await cluster.run("delete", "pod", "moving-1");
    for (const protocol of ["http", "udp"]) await until(async () => (await dial(protocol)) === "moving-2", `one by ${protocol}`);
    await cluster.run("delete", "pod", "moving-2");
    await until(async () => (await ask("http://moving/hostname")) === "REFUSED", "nobody left");
  });

  it("should be rejected for evicted pods (no endpoints exist)", async () => {
    await cluster.apply(service("ended", { selector: { app: "ended" }, publishNotReadyAddresses: true }));
    const container = { command: ["sh", "-c", "exit 1"], readinessProbe: undefined };
    await cluster.apply(backend("ended-1", { node: "node-1", app: "ended", container, spec: { restartPolicy: "Never" } }));
    await until(async () => (await cluster.pod("ended-1")).status?.phase === "Failed", "the pod's end");
    await until(async () => (await ask("http://ended/")) === "REFUSED", "a refusal");
    await cluster.run("delete", "pod", "ended-1");
  });

  it("should be able to connect from a Pod to a terminating Pod, and to other Pod from a terminating Pod", async () => {
    const lifecycle = { preStop: { sleep: { seconds: 5 } } };
    const spec = { terminationGracePeriodSeconds: 10 };
    const [leaving] = await cluster.makePods(
      backend("leaving", { node: "node-2", app: "leaving", container: { lifecycle }, spec }),
    );
    await cluster.run("delete", "pod", "leaving", "--wait=false");
    assert.ok((await cluster.pod("leaving")).metadata?.deletionTimestamp);
    assert.equal(await ask(`http://${leaving?.status?.podIP}:8080/hostname`), "leaving");
    const { podIP } = (await cluster.pod("web-1")).status ?? {};
    assert.equal(await ask(`http://${podIP}:8080/hostname`, "leaving"), "web-1");
    await cluster.run("delete", "pod", "leaving", "--grace-period=1");
  });

  it("should find a service from listing all namespaces, and delete a collection of services", async () => {
    await cluster.apply(service("one"), service("two"), service("three"));
    await cluster.run("label", "svc", "one", "two", "group=x");
    assert.match(await cluster.run("get", "svc", "-A"), /^default +one /m);
    await cluster.run("delete", "svc", "-l", "group=x");
    assert.equal(await cluster.run("get", "svc", "-l", "!provider", "-o", "name"), "service/three\n");
  });

  it("should work after restarting kube-proxy, and after restarting apiserver", async () => {
    await cluster.apply(service("steady", { type: "NodePort" }));
    await becomes("http://steady/hostname", both);
    const requests = await startRequests(cluster, "node-3", "http://steady/hostname");
    const agent = cluster.pids.agent("node-3");
    process.kill(agent, "SIGKILL");
    await until(() => isAnother(() => cluster.pids.agent("node-3"), agent), "another agent");
    const controlPlane = cluster.pids.controlPlane;
    process.kill(controlPlane, "SIGKILL");
    await until(() => isAnother(() => cluster.pids.controlPlane, controlPlane), "another control plane");
    await until(async () => (await cluster.podwire("get", "svc", "steady")).code === 0, "an answer from it");
    await cluster.makePods(backend("web-3", { node: "node-3" }));
    await becomes("http://steady/hostname", [...both, "web-3"]);
    const { failures } = await requests.account();
    // The tunnel of node-3 is the agent's: what was on its way there may be lost, and what came later must not be.
    assert.deepEqual(
      failures.filter((failure) => !/timeout|ECONNRESET/.test(failure)),
      [],
    );
    await cluster.run("delete", "pod", "web-3");
  });

  it("should provide DNS for the cluster, and answers its names while the control plane is away", async () => {
    await cluster.apply(service("named"));
    await becomes("http://named/hostname", both);
    const dig = (name: string) => cluster.onHost("node-3", "dig", "+short", "+time=1", "+tries=1", "@10.96.0.10", name);
    process.kill(cluster.pids.controlPlane, "SIGSTOP");
    try {
      assert.equal(await dig("kubernetes.default.svc.cluster.local"), "10.96.0.1\n");
      assert.match(await dig("named.default.svc.cluster.local"), /^10\.96\./);
    } finally {
      process.kill(cluster.pids.controlPlane, "SIGCONT");
    }
    await until(async () => (await cluster.podwire("get", "nodes")).code === 0, "the control plane again");
  });

  it("loses no request while the pods behind it are deleted and made anew, one after the other", async () => {
    const container = { lifecycle: { preStop: { sleep: { seconds: 1 } } } };
    const spec = { terminationGracePeriodSeconds: 10, readinessGates: [{ conditionType: "example.com/ready" }] };
    const pods = ["node-1", "node-2", "node-3"].map((node, i) => backend(`shop-${i}`, { node, app: "shop", container, spec }));
    const open = JSON.stringify({ status: { conditions: [{ type: "example.com/ready", status: "True" }] } });
    const make = async (pod: object, name: string) => {
      await cluster.apply(pod);
      await cluster.run("patch", "pod", name, "--subresource=status", "-p", open);
      await cluster.run("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=20s");
    };
    await cluster.apply(service("shop", { selector: { app: "shop" } }));
    for (const [i, pod] of pods.entries()) await make(pod, `shop-${i}`);
    await becomes("http://shop/hostname", ["shop-0", "shop-1", "shop-2"]);
    const requests = await startRequests(cluster, "node-3", "http://shop/hostname");
    for (const [i, pod] of pods.entries()) {
      await cluster.run("delete", "pod", `shop-${i}`);
      await make(pod, `shop-${i}`);
    }
    const { sent, answers: seen, failures } = await requests.account();
    assert.deepEqual(failures, [], `of ${sent} requests`);
    assert.ok(sent > 500, `${sent} requests`);
    assert.deepEqual(Object.keys(seen).sort(), ["shop-0", "shop-1", "shop-2"]);
    await cluster.run("delete", "pod", "shop-0", "shop-1", "shop-2");
  });
});

function isAnother(pid: () => number, old: number): boolean {
  try {
    return pid() !== old;
  } catch {
    return false;
  }
}
