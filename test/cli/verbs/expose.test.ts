import assert from "node:assert/strict";
import type { Service } from "#proto/podwire/v1/resources.ts";
import { createTestCli, type TestCli } from "../../support/cli.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";

describe("Services from the command line", () => {
  let cluster: TestCluster;
  let cli: TestCli;

  beforeEach(async () => {
    cluster = await startTestCluster();
    cli = createTestCli({ server: cluster.address });
    const containers = [
      { name: "main", image: "podwire/toolbox", command: ["sleep", "inf"], ports: [{ name: "http", containerPort: 8080 }] },
    ];
    await cluster.write("create", podManifest("web", { containers }, { labels: { app: "web" } }));
    await cluster.write("create", podManifest("bare"));
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  const specOf = (name: string) => (cluster.store.get(`services/default/${name}`)?.value as Service | undefined)?.spec;

  it("expose a pod at its own ports, by its labels", async () => {
    assert.equal((await cli.type("expose pod web")).stdout, "service/web exposed\n");
    assert.deepEqual(specOf("web")?.selector, { app: "web" });
    assert.deepEqual([specOf("web")?.ports[0]?.port, specOf("web")?.ports[0]?.targetPort], [8080, 8080]);
  });

  it("expose it at another port, under another name, and once more", async () => {
    await cli.type("expose pod/web --port=80 --target-port=http --name=shop --type=NodePort");
    const [port] = specOf("shop")?.ports ?? [];
    assert.deepEqual([port?.port, port?.targetPort, (port?.nodePort ?? 0) >= 30_000], [80, "http", true]);
    await cli.type("expose service shop --name=again --port=81");
    assert.deepEqual([specOf("again")?.selector, specOf("again")?.ports[0]?.port], [{ app: "web" }, 81]);
  });

  const refusals: { line: string; want: RegExp }[] = [
    { line: "expose pod bare --port=80", want: /couldn't retrieve selectors .*: pod bare has no labels/ },
    { line: "expose pod nope --port=80", want: /pods "nope" not found/ },
    { line: "expose node node-1", want: /nodes "node-1" not found/ },
    { line: "expose", want: /want one object to expose/ },
    { line: "create service clusterip web", want: /at least one tcp port specifier must be provided/ },
    { line: "create service loadbalancer web --tcp=80:a:b", want: /invalid port "80:a:b"/ },
    { line: "create service externalname db", want: /required flag\(s\) "external-name" not set/ },
    {
      line: "create service ingress web",
      want: /want: create service \(clusterip \| nodeport \| loadbalancer \| externalname\) NAME/,
    },
  ];
  for (const { line, want } of refusals) {
    it(`refuse: ${line}`, async () => {
      const { code, stderr } = await cli.type(line);
      assert.match(stderr, want);
      assert.equal(code, 1);
    });
  }

  it("are created of a type and its ports", async () => {
    await cli.type("create service nodeport web --tcp=80:8080 --node-port=30080");
    assert.deepEqual(specOf("web")?.ports, [{ name: "80-8080", protocol: "TCP", port: 80, targetPort: 8080, nodePort: 30080 }]);
    await cli.type("create svc clusterip none --clusterip=None");
    assert.equal(specOf("none")?.clusterIP, "None");
    await cli.type("create service externalname db --external-name=db.example.com");
    assert.equal(specOf("db")?.externalName, "db.example.com");
  });
});
