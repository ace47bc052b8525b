/* What happens to a Service's clients when one of its pods is gone: a test with a cluster of its own, several nodes and real packets.
 *
 *   npm install && npm test        embedded, where the machine allows it, else in Docker's containers */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster } from "podwire/testing";

const server = (name, node) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: "web" } },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "web",
        image: "registry.k8s.io/e2e-test-images/agnhost:2.53",
        args: ["netexec", "--http-port=8080"],
        readinessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 1 },
      },
    ],
  },
});

const service = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec:
  nodeName: node-3
  containers: [{ name: client, image: podwire/toolbox }]
`;

describe("the web service", () => {
  it("answers from the pod that is left when the other is deleted", async () => {
    await using cluster = await startCluster({ nodes: 3 });
    await cluster.apply(service, server("web-1", "node-1"), server("web-2", "node-2"));
    await cluster.waitFor("pod", "--all", "condition=Ready");

    await cluster.delete("pod", "web-1");
    const ask = () => cluster.exec("client", ["curl", "-s", "--max-time", "2", "http://web/hostname"]);
    // The nodes hear of it in a moment.
    while ((await ask()).stdout !== "web-2") await sleep(50);
    for (let i = 0; i < 10; i++) {
      const { exitCode, stdout } = await ask();
      assert.deepEqual({ exitCode, stdout }, { exitCode: 0, stdout: "web-2" });
    }
  });
});
