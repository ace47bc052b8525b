import assert from "node:assert/strict";
import { addQuantities, parseQuantity, percentOf, quantityText, zeroQuantity } from "../../../cli/output/quantity.ts";

const read = (text: string) => {
  const quantity = parseQuantity(text);
  assert.ok(quantity, text);
  return quantity;
};

describe("a quantity", () => {
  const canonical: readonly (readonly [text: string, want: string])[] = [
    ["0", "0"],
    ["0.5", "500m"],
    [".25", "250m"],
    ["1500m", "1500m"],
    ["2000m", "2"],
    ["1e3", "1k"],
    ["12E-1", "1200m"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["1000000", "1M"],
    ["16Ei", "16Ei"],
    ["100n", "1m"],
  ];
  for (const [text, want] of canonical) it(`${text} is ${want}`, () => assert.equal(quantityText(read(text)), want));

  for (const text of ["", ".", "-", "1.2.3", "1Kb", "one", "1 Gi", "1e"]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseQuantity(text), undefined));
  }

  it("adds up", () => {
    assert.equal(quantityText(addQuantities(read("100m"), read("1.9"))), "2");
    assert.equal(quantityText(addQuantities(zeroQuantity, read("128Mi"))), "128Mi");
    assert.equal(percentOf(read("128Mi"), read("2Gi")), 6);
    assert.equal(percentOf(read("1"), zeroQuantity), 0);
  });
});
