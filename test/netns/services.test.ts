/* Services in real namespaces: agents, tunnels, pods and clients. The sentences are those of Kubernetes' own tests where there is one. */

import assert from "node:assert/strict";
import { requireSandbox } from "../support/sandbox.ts";
import { makeService, makeSlice } from "../support/service-objects.ts";
import { type LabPod, openServiceLab } from "./service-lab.ts";
import { askForAll } from "./service-questions.ts";

const clusterIP = "10.96.0.80";

function endpoint({ address, node }: LabPod, conditions: object = {}) {
  return { address, node: node.name, ...conditions };
}

describe("a Service's address", () => {
  before(requireSandbox);

  it("should serve a basic endpoint from pods, from pods and nodes", async () => {
    await using lab = await openServiceLab();
    const [one, two] = (await lab.startPods({ name: "one", node: 1 }, { name: "two", node: 2 })) as [LabPod, LabPod];
    await lab.serve(makeService("web", { clusterIP }), makeSlice("web-1", { service: "web" }, endpoint(one), endpoint(two)));
    for (const place of [one, two, lab.node(1), lab.node(2)]) {
      assert.deepEqual(await askForAll(place, { protocol: "tcp", host: clusterIP, port: 80 }), ["one", "two"]);
    }
  });
});
