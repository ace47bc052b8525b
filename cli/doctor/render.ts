/* What the doctor found, as lines for people and as JSON for programs. Pure. */

import { type Finding, obstacles } from "#kernel/checks/check.ts";
import type { Colour, Paint } from "../colour.ts";
import { printable } from "../output/printable.ts";

const marks: Readonly<Record<Finding["verdict"], readonly [mark: string, colour: Colour]>> = {
  ok: ["✓", "green"],
  warning: ["!", "yellow"],
  missing: ["✗", "red"],
  untried: ["!", "yellow"],
};

export function renderFindings(findings: readonly Finding[], nodeCount: number, paint: Paint): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.map((finding) => renderFinding(finding, width, paint));
  return [...lines, "", resultLine(findings, nodeCount), ""].join("\n");
}

/** One line, and a second where there is a cure. */
export function renderFinding({ name, verdict, found, cure }: Finding, width: number, paint: Paint): string {
  const [mark, colour] = marks[verdict];
  const line = `${paint(mark, colour)} ${name.padEnd(width)}  ${printable(found)}`;
  return cure === undefined ? line : `${line}\n  ${" ".repeat(width)}  → ${printable(cure)}`;
}

export function findingsAsJson(findings: readonly Finding[], nodeCount: number): string {
  return `${JSON.stringify({ fit: obstacles(findings).length === 0, nodes: nodeCount, checks: findings }, undefined, 2)}\n`;
}

function resultLine(findings: readonly Finding[], nodeCount: number): string {
  const cluster = nodeCount === 1 ? "a cluster of 1 node" : `a cluster of ${nodeCount} nodes`;
  const missing = obstacles(findings).map(({ name }) => name);
  if (missing.length > 0) return `This machine can't carry ${cluster}: ${missing.join(", ")}.`;
  const warnings = findings.filter(({ verdict }) => verdict === "warning").length;
  if (warnings === 0) return `This machine can carry ${cluster}.`;
  return `This machine can carry ${cluster}, with ${warnings === 1 ? "a warning" : `${warnings} warnings`}.`;
}
