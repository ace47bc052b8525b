/* The part of docs/troubleshooting.md that the checks of kernel/checks say: what the doctor prints for an example of each problem, and
 * how it comes about. */

import { type Check, judge } from "#kernel/checks/check.ts";
import { exampleMachine } from "#kernel/checks/example-machine.ts";
import { checks } from "#kernel/checks/list.ts";
import { plain } from "../cli/colour.ts";
import { renderFinding } from "../cli/doctor/render.ts";
import { withGeneratedPart } from "./generated-part.ts";

/** The page with that part as it should be. Throws where the page has no place for it. */
export function renderTroubleshooting(page: string): string {
  const text = checks.map(renderCheck).join("\n");
  return withGeneratedPart(page, { path: "docs/troubleshooting.md", source: "kernel/checks", text });
}

function renderCheck(check: Check): string {
  const problems = check.problems.map(
    ({ cause, example }) =>
      `\`\`\`text\n${renderFinding(judge(check, { ...exampleMachine, ...example }), check.name.length, plain)}\n\`\`\`\n\n${cause}\n`,
  );
  return [`### ${check.name}\n`, `${check.why}\n`, ...problems].join("\n");
}
