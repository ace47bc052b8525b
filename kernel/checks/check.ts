/* What a check of this machine is: a row that says what a cluster needs and why, and what may stand against it, with the cure. Facts are
 * gathered before (facts.ts, trial.ts): judging is pure, so `podwire up` and `podwire doctor` can't disagree. */

import type { MachineFacts } from "./facts.ts";
import type { Trial } from "./trial.ts";

export interface Check {
  /** What it is about; a heading of docs/troubleshooting.md. */
  readonly name: string;
  /** Why a cluster needs it, in one sentence. */
  readonly why: string;
  /** Whether only the trial tells: without one nothing can be said. */
  readonly tried?: true;
  /** What is there, where nothing stands against it. */
  found(facts: MachineFacts): string;
  /** The first that holds is told. */
  readonly problems: readonly Problem[];
}

export interface Problem {
  /** A cluster can't come up where something is "missing"; it does with a "warning". */
  readonly verdict: "missing" | "warning";
  /** How it comes about. */
  readonly cause: string;
  holds(facts: MachineFacts): boolean;
  found(facts: MachineFacts): string;
  /** What to do: a command line where one mends it. */
  cure(facts: MachineFacts): string;
  /** A machine that has it, as changes to one that lacks nothing: what the troubleshooting page shows and the tests judge. */
  readonly example: Partial<MachineFacts>;
}

export interface Finding {
  readonly name: string;
  readonly found: string;
  readonly verdict: "ok" | "warning" | "missing" | "untried";
  /** Of what is missing, and of a warning. */
  readonly cure?: string;
}

export function judge(check: Check, facts: MachineFacts): Finding {
  const { name } = check;
  const problem = check.problems.find(({ holds }) => holds(facts));
  if (problem !== undefined) return { name, verdict: problem.verdict, found: problem.found(facts), cure: problem.cure(facts) };
  if (check.tried === true && facts.trial.state !== "ran") {
    return {
      name,
      verdict: "untried",
      found: `not tried: ${whyNot(facts.trial)}`,
      cure: "mend what is missing, then look again",
    };
  }
  return { name, verdict: "ok", found: check.found(facts) };
}

function whyNot(trial: Exclude<Trial, { state: "ran" }>): string {
  return trial.state === "not run" ? trial.because : "no sandbox could be made";
}

/** A command line for root. */
export function asRoot({ uid }: MachineFacts, command: string): string {
  return uid === 0 ? command : `sudo ${command}`;
}

/** What keeps a cluster from coming up; empty where nothing does. */
export function obstacles(findings: readonly Finding[]): Finding[] {
  const missing = findings.filter(({ verdict }) => verdict === "missing");
  // What could not be tried has its reason in what is missing; where nothing is, it is the reason.
  return missing.length > 0 ? missing : findings.filter(({ verdict }) => verdict === "untried").slice(0, 1);
}
