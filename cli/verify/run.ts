/* Makes the probers, has them probe, and removes them. */

import { randomBytes } from "node:crypto";
import { AppError } from "#core/errors.ts";
import { mapLimited } from "#core/map-limited.ts";
import { findKind } from "#core/objects/kinds.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import type { Target } from "../../toolbox/probe.mts";
import type { Connection } from "../connect.ts";
import { listAll } from "../objects.ts";
import {
  type Finding,
  judge,
  type NeighbourFinding,
  type Outcome,
  type OwnView,
  type Recreation,
  type Verdict,
} from "./judge.ts";
import {
  neighbourContainer,
  neighbourTargets,
  type PlacedNode,
  type PlacedProber,
  type Probe,
  probersFor,
  probesFor,
  recreationTargets,
  targetsOf,
  toRecreate,
  withNeighbour,
} from "./plan.ts";
import { makeProbers, placedProbers, placedServices, remakeProbers, removeProbers, runProber } from "./probers.ts";
import { type ServiceFinding, type ServiceProbe, serviceProbes, serviceVerdicts } from "./services.ts";

const startMs = 60_000;
const removeMs = 30_000;
/** Each starts a program in its pod: hundreds at the same time would measure the machine, and not its network. */
const probingAtOnce = 12;

type Say = (text: string) => Promise<void>;

export interface VerifyRequest {
  /** A few checks for each node, and no pod made anew. */
  readonly quick: boolean;
  readonly say: Say;
}

/** Leaves nothing behind, whether it ends well or not. */
export async function verifyCluster(
  connection: Connection,
  { quick, say }: VerifyRequest,
  signal: AbortSignal,
): Promise<Verdict[]> {
  const nodes = await readyNodes(connection, signal);
  const namespace = `podwire-verify-${randomBytes(4).toString("hex")}`;
  const wanted = probersFor(nodes.map(({ name }) => name));
  await say(`Starting ${wanted.length} pods that probe each other on ${nodes.length} nodes, in namespace ${namespace}`);
  try {
    await makeProbers(connection, namespace, wanted, signal);
    const probers = await placedProbers(connection, namespace, wanted, AbortSignal.any([signal, AbortSignal.timeout(startMs)]));
    const run: Run = { connection, namespace, probers, signal };
    const probes = probesFor(probers, { quick });
    const { findings, ownViews } = await probe(run, probes, say);
    const neighbours = await askNeighbours(run);
    await say("Asking Services");
    const services = await placedServices(connection, namespace, signal);
    const asked = serviceProbes({ nodes, probers, services, quick });
    const answered = await askServices(run, asked);
    if (!quick) await say("Making pods anew");
    const recreations = quick ? [] : await recreate(run);
    return [...judge({ nodes, probes, findings, ownViews, neighbours, recreations }), ...serviceVerdicts(asked, answered)];
  } finally {
    await say("Removing the pods");
    await removeProbers(connection, namespace, removeMs);
  }
}

interface Run {
  readonly connection: Connection;
  readonly namespace: string;
  readonly probers: readonly PlacedProber[];
  readonly signal: AbortSignal;
}

async function probe(
  { connection, namespace, probers, signal }: Run,
  probes: readonly Probe[],
  say: Say,
): Promise<{ findings: Finding[]; ownViews: OwnView[] }> {
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
  await mapLimited(probers, probingAtOnce, runOne);
  return { findings, ownViews };
}

async function askServices(
  { connection, namespace, probers, signal }: Run,
  asked: readonly ServiceProbe[],
): Promise<ServiceFinding[]> {
  const findings = await mapLimited(probers, probingAtOnce, async (from) => {
    const own = asked.filter((probe) => probe.from === from);
    const found: ServiceFinding[] = [];
    if (own.length === 0) return found;
    const targets = own.map(({ target }) => target);
    for await (const line of runProber(connection, { namespace, name: from.name, targets }, signal)) {
      const probe = "self" in line ? undefined : own.find(({ target }) => target.name === line.target);
      if ("self" in line || probe === undefined) continue;
      found.push({ probe, check: line.check, ok: line.ok, seenAs: line.seenAs, evidence: line.evidence });
    }
    return found;
  });
  return findings.flat();
}

/** What the second containers see of the first. */
async function askNeighbours(run: Run): Promise<NeighbourFinding[]> {
  const found = await mapLimited(withNeighbour(run.probers), probingAtOnce, async (pod) => {
    const outcomes = await outcomesOf(run, pod, neighbourTargets, neighbourContainer);
    return neighbourTargets.flatMap(({ name, checks }) =>
      checks.map((check): NeighbourFinding => ({ pod, check, ...outcomeOf(outcomes, name, check) })),
    );
  });
  return found.flat();
}

/** Each is looked at by the first pod of its node. */
async function recreate(run: Run): Promise<Recreation[]> {
  const { connection, namespace, probers, signal } = run;
  const before = toRecreate(probers);
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(startMs)]);
  const after = await remakeProbers(connection, namespace, before, bounded);
  return mapLimited(before, probingAtOnce, async (pod): Promise<Recreation> => {
    const address = after.find(({ name }) => name === pod.name)?.address ?? "";
    const watcher = withNeighbour(probers).find(({ node }) => node === pod.node);
    const targets = recreationTargets(pod.address, address);
    const outcomes = watcher === undefined ? new Map<string, Outcome>() : await outcomesOf(run, watcher, targets);
    return { pod, address, answers: outcomeOf(outcomes, "after", "tcp"), oldIsSilent: outcomeOf(outcomes, "before", "nobody") };
  });
}

/** By target and check. */
async function outcomesOf(
  { connection, namespace, signal }: Run,
  { name }: PlacedProber,
  targets: readonly Target[],
  container?: string,
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const run = { namespace, name, targets, ...(container === undefined ? {} : { container }) };
  for await (const line of runProber(connection, run, signal)) {
    if ("self" in line) continue;
    outcomes.set(`${line.target} ${line.check}`, { ok: line.ok, evidence: line.evidence });
  }
  return outcomes;
}

function outcomeOf(outcomes: ReadonlyMap<string, Outcome>, target: string, check: string): Outcome {
  return outcomes.get(`${target} ${check}`) ?? { ok: false, evidence: "the prober did not report" };
}

export async function readyNodes(connection: Connection, signal: AbortSignal): Promise<PlacedNode[]> {
  const kind = findKind("nodes");
  if (kind === undefined) throw new Error("no kind for nodes");
  const nodes = (await listAll(connection, { kind, namespace: "" }, signal)).map(({ object }) => object as Node);
  const ready = nodes.filter((node) => node.status?.conditions.some(({ type, status }) => type === "Ready" && status === "True"));
  if (ready.length === 0) throw new AppError("failed-precondition", "no node is Ready: `podwire get nodes` shows why");
  return ready.map(placed).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function placed({ metadata, status }: Node): PlacedNode {
  const address = status?.addresses.find(({ type }) => type === "InternalIP")?.address ?? "";
  return { name: metadata?.name ?? "", address };
}
