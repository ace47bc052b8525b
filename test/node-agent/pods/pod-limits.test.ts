import assert from "node:assert/strict";
import { Container } from "#proto/podwire/v1/resources.ts";
import { limitsOf } from "../../../node-agent/pods/pod-limits.ts";

describe("a container's limits", () => {
  for (const [limits, want] of [
    [{}, {}],
    [{ memory: "64Mi" }, { memoryBytes: 64 * 2 ** 20 }],
    [
      { memory: "1e3", cpu: "250m" },
      { memoryBytes: 1_000, cpus: 0.25 },
    ],
    [{ cpu: "2", "ephemeral-storage": "1Gi" }, { cpus: 2 }],
  ] as const) {
    it(`are ${JSON.stringify(want)} of ${JSON.stringify(limits)}, and 4,096 processes`, () => {
      assert.deepEqual(limitsOf(Container.fromJSON({ resources: { limits } })), { processes: 4_096, ...want });
    });
  }

  it("bound the processes of a container that says nothing of resources", () => {
    assert.deepEqual(limitsOf(Container.fromJSON({})), { processes: 4_096 });
  });
});
