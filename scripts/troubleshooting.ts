/* The part of docs/troubleshooting.md that the checks of kernel/checks say: what the doctor prints for an example of each problem, and
 * how it comes about. */

import { type Check, judge } from "#kernel/checks/check.ts";
import { exampleMachine } from "#kernel/checks/example-machine.ts";
import { checks } from "#kernel/checks/list.ts";
import { plain } from "../cli/colour.ts";
import { renderFinding } from "../cli/doctor/render.ts";

const begin = "<!-- Generated from kernel/checks by `npm run generate`: begin -->";
const end = "<!-- end -->";

/** The page with that part as it should be; the rest stays. Throws where the page has no place for it. */
export function renderTroubleshooting(page: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/troubleshooting.md must have the lines "${begin}" and "${end}"`);
  return `${page.slice(0, from)}${begin}\n\n${checks.map(renderCheck).join("\n")}\n${page.slice(to)}`;
}

function renderCheck(check: Check): string {
  const problems = check.problems.map(
    ({ cause, example }) =>
      `\`\`\`text\n${renderFinding(judge(check, { ...exampleMachine, ...example }), check.name.length, plain)}\n\`\`\`\n\n${cause}\n`,
  );
  return [`### ${check.name}\n`, `${check.why}\n`, ...problems].join("\n");
}
