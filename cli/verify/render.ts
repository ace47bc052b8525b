/* The verdicts as a table for people, and as JSON for programs. Pure. */

import { createTable } from "../output/table.ts";
import type { Verdict } from "./judge.ts";

const failuresShownMax = 10;

export function renderVerdicts(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ rule, passed, total, evidence }) => [
    passed === total ? "✓" : "✗",
    rule,
    `${passed}/${total}`,
    evidence,
  ]);
  const table = createTable({ titles: ["", "RULE", "CHECKS", "EVIDENCE"], header: true }).render(rows);
  const failures = verdicts.flatMap(({ rule, failures: lines }) => {
    if (lines.length === 0) return [];
    const more = lines.length > failuresShownMax ? [`    … and ${lines.length - failuresShownMax} more`] : [];
    return [`✗ ${rule}`, ...lines.slice(0, failuresShownMax).map((line) => `    ${line}`), ...more];
  });
  return [table.trimEnd(), ...(failures.length > 0 ? ["", ...failures] : []), "", resultLine(verdicts), ""].join("\n");
}

export function allPassed(verdicts: readonly Verdict[]): boolean {
  return verdicts.length > 0 && verdicts.every(({ passed, total }) => passed === total);
}

function resultLine(verdicts: readonly Verdict[]): string {
  const checks = verdicts.reduce((sum, { total }) => sum + total, 0);
  const failed = verdicts.reduce((sum, { failures }) => sum + failures.length, 0);
  if (failed === 0) return `The network model holds: ${verdicts.length} rules, ${checks} checks.`;
  return `The network model does not hold: ${failed} of ${checks} checks failed.`;
}
