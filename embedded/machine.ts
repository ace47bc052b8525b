/* Whether this machine can carry a cluster: asked by `podwire doctor`, and by `podwire up` before it makes anything. */

import { AppError } from "#core/errors.ts";
import { type Finding, judge, obstacles } from "#kernel/checks/check.ts";
import { readFacts } from "#kernel/checks/facts.ts";
import { checks } from "#kernel/checks/list.ts";

export interface MachineQuestion {
  readonly nodeCount: number;
  /** What the programs of a cluster get, PATH among it. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** A finding for each check, in the order of their list. */
export async function examineMachine(question: MachineQuestion): Promise<Finding[]> {
  const facts = await readFacts({ ...question, uid: process.getuid?.() ?? 0 });
  return checks.map((check) => judge(check, facts));
}

/** "failed-precondition" with everything that is missing, and the cures. */
export async function refuseUnfitMachine(question: MachineQuestion): Promise<void> {
  const refusal = refusalOf(await examineMachine(question));
  if (refusal !== undefined) throw new AppError("failed-precondition", refusal);
}

/** Undefined where a cluster can come up. */
export function refusalOf(findings: readonly Finding[]): string | undefined {
  const lines = obstacles(findings).map(
    ({ name, found, cure }) => `  ${name}: ${found}
    ${cure}`,
  );
  if (lines.length === 0) return undefined;
  return ["this machine lacks what a cluster needs:", ...lines, "`podwire doctor` tells all that was looked at"].join("\n");
}
