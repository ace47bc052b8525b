import assert from "node:assert/strict";
import fc from "fast-check";
import { isAppError } from "#core/errors.ts";
import { canonicalQuantity, formatQuantity, parseQuantity, quantityProblem } from "#core/quantity.ts";

describe("a quantity", () => {
  const cases: { text: string; want: string; same: string }[] = [
    { text: "0", want: "0", same: "0m" },
    { text: "0.5", want: "500m", same: "5e-1" },
    { text: "1000m", want: "1", same: "1" },
    { text: "1.5Gi", want: "1536Mi", same: "1610612736" },
    { text: "1024Mi", want: "1Gi", same: "1073741824" },
    { text: "1000Mi", want: "1000Mi", same: "1048576000" },
    { text: "128974848", want: "128974848", same: "123Mi" },
    { text: "1000k", want: "1M", same: "1e6" },
    { text: "1e3", want: "1e3", same: "1k" },
    { text: "12e2", want: "1200", same: "1200" },
    { text: "+1", want: "1", same: "1.0" },
    { text: "-0.1", want: "-100m", same: "-100m" },
    { text: ".5", want: "500m", same: "0.500" },
    { text: "100n", want: "100n", same: "0.1u" },
    { text: "0.1n", want: "1n", same: "1n" },
    { text: "0.5Ki", want: "512", same: "512" },
    { text: "2E", want: "2E", same: "2e18" },
    { text: "1Ei", want: "1Ei", same: "1024Pi" },
  ];
  for (const { text, want, same } of cases) {
    it(`${text} is written ${want} and is as much as ${same}`, () => {
      assert.equal(canonicalQuantity(text), want);
      assert.equal(parseQuantity(text), parseQuantity(same));
    });
  }

  for (const text of ["", " 1", "1 Gi", "Gi", "1gi", "1.2.3", "0x10", "1e", "1e9999", "--1", "one", ".", "1mi", "9".repeat(65)]) {
    it(`${JSON.stringify(text.slice(0, 12))} is none`, () => {
      assert.match(quantityProblem(text) ?? "", /^quantities must match/);
      assert.throws(
        () => parseQuantity(text),
        (error) => isAppError(error, "invalid"),
      );
      assert.equal(canonicalQuantity(text), text);
    });
  }

  it("survives being written and read", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.constantFrom("decimal", "binary"), (value, form) => {
        assert.equal(parseQuantity(formatQuantity(value, form)), value);
      }),
    );
  });

  it("is written the same the second time, and is never less than what was said", () => {
    const text = fc
      .tuple(fc.nat(), fc.nat(99), fc.constantFrom("", "n", "u", "m", "k", "M", "Ki", "Gi", "e3", "e-2", "E"))
      .map(([whole, part, suffix]) => `${whole}.${part}${suffix}`);
    fc.assert(
      fc.property(text, (said) => {
        const written = canonicalQuantity(said);
        assert.equal(canonicalQuantity(written), written);
        assert.equal(parseQuantity(written), parseQuantity(said));
      }),
    );
  });
});
