/* Tries what a cluster will do, in namespaces that end with the trial: namespaces as a sandbox has them, links, routes and rules. Two
 * chains of programs side by side and no process of Node's: 20 ms, so that `podwire up` can afford it. The options are those that
 * Podwire uses later, so a program that is too old for them says so here. */

import { AppError, messageOf } from "#core/errors.ts";
import { RunError, run } from "../run.ts";
import { sandboxNamespaces, userNamespaceOf } from "../sandbox.ts";
import { type Feature, type FeatureSpec, linesFor } from "./features.ts";

export type Trial =
  | { readonly state: "not run"; readonly because: string }
  /** A program on the way refused: "unshare: unshare failed: Operation not permitted". */
  | { readonly state: "no sandbox"; readonly said: string }
  /** What failed, and what was said about it. */
  | { readonly state: "ran"; readonly failures: ReadonlyMap<Feature, string> };

export interface TrialOptions {
  readonly uid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export async function tryMachine(options: TrialOptions): Promise<Trial> {
  const trials = await Promise.all([tryProgram("ip", options), tryProgram("nft", options)]);
  const unfinished = trials.find((trial) => trial.state !== "ran");
  if (unfinished !== undefined) return unfinished;
  return { state: "ran", failures: new Map(trials.flatMap((trial) => (trial.state === "ran" ? [...trial.failures] : []))) };
}

const programs = {
  ip: ["ip", "-force", "-batch", "-"],
  nft: ["nft", "-f", "-"],
} as const satisfies Record<FeatureSpec["program"], readonly string[]>;

async function tryProgram(program: FeatureSpec["program"], { uid, env, signal }: TrialOptions): Promise<Trial> {
  const lines = linesFor(program);
  const namespaces = [...userNamespaceOf(uid), ...sandboxNamespaces];
  const steps = ["nsenter", "--net=/proc/self/ns/net", "--", "setpriv", "--pdeathsig=KILL", "--inh-caps=-all", "--"];
  try {
    await run(["unshare", ...namespaces, "--", ...steps, ...programs[program]], {
      input: lines.map(({ line }) => `${line}\n`).join(""),
      // The words of errors are read.
      env: { ...env, LC_ALL: "C" },
      signal,
    });
    return { state: "ran", failures: new Map() };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // One that did not start has no exit code: too many processes or files.
    if (!(error instanceof RunError) || error.exitCode === undefined) return { state: "not run", because: messageOf(error) };
    return readComplaints(program, error.stderr);
  }
}

/** From what was written to standard error. Pure. */
export function readComplaints(program: FeatureSpec["program"], stderr: string): Trial {
  const said = stderr.trim();
  const onTheWay = /^(unshare|nsenter|setpriv): .*/m.exec(said)?.[0];
  if (onTheWay !== undefined) return { state: "no sandbox", said: onTheWay };
  const lines = linesFor(program);
  const numbered = program === "ip" ? complaintsOfIp(said) : complaintsOfNft(said);
  const failures = new Map<Feature, string>();
  // The first line that fails tells most; those after it may only miss what it did not make.
  for (const { number, text } of numbered) {
    const feature = lines[number - 1]?.feature;
    if (feature !== undefined && !failures.has(feature)) failures.set(feature, text);
  }
  // Without a number it is about the whole.
  if (failures.size === 0) for (const { feature } of lines) failures.set(feature, said.split("\n")[0] ?? "no reason given");
  return { state: "ran", failures };
}

interface Complaint {
  /** Of the line, from 1. */
  readonly number: number;
  readonly text: string;
}

/** "Error: Unknown device type.\nCommand failed -:3" */
function complaintsOfIp(said: string): Complaint[] {
  let text = "";
  return said.split("\n").flatMap((line) => {
    const number = /^Command failed -:([0-9]+)/.exec(line)?.[1];
    if (number === undefined) {
      text ||= line.trim();
      return [];
    }
    const complaint = { number: Number(number), text: text || "no reason given" };
    text = "";
    return [complaint];
  });
}

/** "/dev/stdin:4:40-47: Error: unknown chain hook", and the line with its fault underlined. */
function complaintsOfNft(said: string): Complaint[] {
  return [...said.matchAll(/^\S*:([0-9]+):[0-9-]+: (.*)$/gm)].map(([, number, text = ""]) => ({ number: Number(number), text }));
}

/** Whether a program did not know what it was asked, whatever the kernel knows. */
export function isTooOld(said: string): boolean {
  return /syntax error|unrecognized option|invalid option|unknown option|is wrong|is unknown|\bgarbage\b/i.test(said);
}
