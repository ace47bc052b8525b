/* `podwire verify`: the rules of the network model, proved on the running cluster from inside pods that it makes and removes. */

import { randomBytes } from "node:crypto";
import { AppError } from "#core/errors.ts";
import { findKind } from "#core/objects/kinds.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import { type Connection, connect } from "../connect.ts";
import { listAll } from "../objects.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { type Finding, judge, type OwnView, type Verdict } from "../verify/judge.ts";
import { type PlacedProber, probersFor, probesFor, targetsOf } from "../verify/plan.ts";
import { makeProbers, placedProbers, removeProbers, runProber } from "../verify/probers.ts";
import { allPassed, renderVerdicts } from "../verify/render.ts";

interface VerifyOptions {
  readonly output?: string;
}

const startMs = 60_000;
const removeMs = 30_000;

export const verifyVerb: Verb<VerifyOptions> = {
  usage: "[flags]",
  description: `Prove the rules of the Kubernetes network model on the running cluster, from inside pods that are made for it and removed:
who reaches whom over TCP, UDP and ICMP, under which address, and whether payloads of every size arrive whole.
The exit code is 1 where a rule does not hold.`,
  examples: `
    # A table with the evidence
    podwire verify

    # For a program
    podwire verify -o json`,
  flags(command) {
    command.option("-o, --output <format>", "json");
  },
  async run(invocation) {
    const { args, options, printer } = invocation;
    if (args.length > 0) throw new UsageError(`verify takes no arguments, got ${args.join(" ")}`, { inFlags: true });
    if (options.output !== undefined && options.output !== "json")
      throw new UsageError("--output must be 'json'", { inFlags: true });
    const verdicts = await verifyCluster(invocation);
    await printer.print(
      options.output === "json"
        ? `${JSON.stringify({ holds: allPassed(verdicts), rules: verdicts }, undefined, 2)}\n`
        : renderVerdicts(verdicts),
    );
    return allPassed(verdicts) ? 0 : 1;
  },
};

async function verifyCluster(invocation: Invocation): Promise<Verdict[]> {
  const { printer, signal } = invocation;
  using connection = await connect(invocation);
  const nodes = await readyNodes(connection, signal);
  const namespace = `podwire-verify-${randomBytes(4).toString("hex")}`;
  const wanted = probersFor(nodes);
  const say = (text: string) => printer.printError(`${text}\n`);
  await say(`Starting ${wanted.length} probers on ${nodes.length} nodes in namespace ${namespace}`);
  try {
    await makeProbers(connection, namespace, wanted, signal);
    const probers = await placedProbers(connection, namespace, wanted, AbortSignal.any([signal, AbortSignal.timeout(startMs)]));
    return await probe(connection, { namespace, probers, say }, signal);
  } finally {
    await say("Removing the probers");
    await removeProbers(connection, namespace, AbortSignal.timeout(removeMs));
  }
}

interface ProbeRun {
  readonly namespace: string;
  readonly probers: readonly PlacedProber[];
  readonly say: (text: string) => Promise<void>;
}

async function probe(connection: Connection, { namespace, probers, say }: ProbeRun, signal: AbortSignal): Promise<Verdict[]> {
  const probes = probesFor(probers);
  const total = probes.reduce((sum, { checks }) => sum + checks.length, 0);
  const findings: Finding[] = [];
  const ownViews: OwnView[] = [];
  let said = 0;
  await say(`Running ${total} checks`);
  const runOne = async (from: PlacedProber) => {
    const targets = targetsOf(from, probes);
    if (targets.length === 0) return;
    for await (const line of runProber(connection, { namespace, name: from.name, targets }, signal)) {
      if ("self" in line) {
        ownViews.push({ prober: from, addresses: line.self.addresses });
        continue;
      }
      const to = probers.find(({ name }) => name === line.target);
      if (to === undefined) continue;
      findings.push({ from, to, check: line.check, ok: line.ok, seenAs: line.seenAs, evidence: line.evidence });
      const quarter = Math.floor((findings.length * 4) / total);
      if (quarter > said && quarter < 4) {
        said = quarter;
        await say(`${findings.length} of ${total} checks done`);
      }
    }
  };
  await Promise.all(probers.map(runOne));
  return judge({ probes, findings, ownViews });
}

async function readyNodes(connection: Connection, signal: AbortSignal): Promise<string[]> {
  const kind = findKind("nodes");
  if (kind === undefined) throw new Error("no kind for nodes");
  const nodes = (await listAll(connection, { kind, namespace: "" }, signal)).map(({ object }) => object as Node);
  const ready = nodes.filter((node) => node.status?.conditions.some(({ type, status }) => type === "Ready" && status === "True"));
  if (ready.length === 0) throw new AppError("failed-precondition", "no node is Ready: `podwire get nodes` shows why");
  return ready.map(({ metadata }) => metadata?.name ?? "").sort();
}
