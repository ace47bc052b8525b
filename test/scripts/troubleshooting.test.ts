import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checks } from "#kernel/checks/list.ts";
import { renderTroubleshooting } from "../../scripts/troubleshooting.ts";

const project = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(project, "docs", "troubleshooting.md"), "utf8");

describe("the troubleshooting page", () => {
  it("has each check, as the checks themselves tell it", () => {
    assert.equal(renderTroubleshooting(page), page);
    for (const { name } of checks) assert.ok(page.includes(`\n### ${name}\n`), name);
  });

  it("is refused where it has no place for them", () => {
    assert.throws(() => renderTroubleshooting("# Troubleshooting\n"), /must have the lines/);
  });

  // Values differ from message to message: what lies between them is looked for.
  const byHand = page.slice(page.indexOf("<!-- end -->"));
  for (const [, quote = ""] of byHand.matchAll(/```text\n([^`]*)\n```/g)) {
    it(`quotes "${quote}" as the code says it`, () => {
      const fragments = quote.split(/"[^"]*"|[0-9/:]+/).filter((text) => text.trim().length > 5);
      assert.ok(fragments.length > 0);
      for (const text of fragments) {
        const found = execFileSync(
          "git",
          ["grep", "--ignore-case", "--fixed-strings", "--files-with-matches", "-e", text, "--", "*.ts", ":!test"],
          {
            cwd: project,
          },
        );
        assert.ok(found.length > 0, text);
      }
    });
  }
});
