import assert from "node:assert/strict";
import { parseCapacity } from "#core/capacity.ts";

describe("a node's capacity", () => {
  it("is written as Kubernetes writes quantities", () =>
    assert.deepEqual(parseCapacity("--capacity", "cpu=0.5,memory=1024Mi,pods=20"), { cpu: "500m", memory: "1Gi", pods: "20" }));
  it("may be left out", () => assert.deepEqual(parseCapacity("--capacity", ""), {}));
  const wrong: readonly (readonly [text: string, message: RegExp])[] = [
    ["cpu", /--capacity "cpu": want RESOURCE=QUANTITY with one of cpu, memory, pods/],
    ["gpu=1", /--capacity "gpu=1": want RESOURCE=QUANTITY/],
    ["cpu=many", /--capacity "cpu=many": quantities must match/],
    ["cpu=0", /--capacity "cpu=0": want more than nothing/],
    ["cpu=-1", /--capacity "cpu=-1": want more than nothing/],
  ];
  for (const [text, message] of wrong) {
    it(`is refused: ${text}`, () => assert.throws(() => parseCapacity("--capacity", text), { kind: "invalid", message }));
  }
});
