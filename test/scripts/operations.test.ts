import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderOperations } from "../../scripts/operations.ts";

const project = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(project, "docs", "operations.md"), "utf8");

const units = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** "1.5 MiB" is 1,572,864, "10,000" is 10,000. */
function amountOf(bound: string): number {
  const [, digits = "", unit] = /^([0-9,.]+)(?: (\w+))?$/.exec(bound) ?? [];
  const factor = unit === undefined ? 1 : units[unit as keyof typeof units];
  return Number(digits.replaceAll(",", "")) * factor;
}

/** What a constant or a field of that name is given in a file: a product of numbers. */
function valuesIn(path: string, name: string): number[] {
  const source = readFileSync(join(project, path), "utf8");
  const given = source.matchAll(new RegExp(`\\b${name}(?:: \\w+)?(?: =|:) ([0-9_]+(?: \\* [0-9_]+)*)[;,]`, "g"));
  return [...given].map(([, product = ""]) =>
    product.split(" * ").reduce((value, factor) => value * Number(factor.replaceAll("_", "")), 1),
  );
}

describe("the page of operations", () => {
  it("has the flags that up, the daemons and every command take", () => {
    assert.equal(renderOperations(page), page);
    for (const flag of ["--zones", "--request-timeout", "--heartbeat-timeout", "--dns-stub"])
      assert.ok(page.includes(`\`${flag} <`), flag);
  });

  it("is refused where it has no place for them", () => {
    assert.throws(() => renderOperations("# Operations\n"), /docs\/operations\.md must have the lines/);
  });

  const limits = [...page.matchAll(/^\| ([^|]+) \| ([^|]+) \| [^|]+ \| `([^`]+\.ts)` `(\w+)` \|$/gm)];

  it("has a table of limits", () => assert.ok(limits.length >= 30, `${limits.length} rows`));

  for (const [, what = "", bound = "", path = "", name = ""] of limits) {
    it(`says the bound of ${what} as the code has it`, () => assert.deepEqual(valuesIn(path, name), [amountOf(bound)]));
  }
});
