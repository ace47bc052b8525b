/* The rules of the Kubernetes network model, judged by what the probers saw. Pure.
 * Source: https://kubernetes.io/docs/concepts/services-networking/ */

import type { Check } from "../../toolbox/probe.mts";
import type { PlacedNode, PlacedProber, Probe } from "./plan.ts";

/** One check of one probe, done. */
export interface Finding {
  readonly from: PlacedProber;
  readonly to: PlacedProber;
  readonly check: Check;
  readonly ok: boolean;
  readonly seenAs: string | undefined;
  readonly evidence: string;
}

/** What a prober says of itself. */
export interface OwnView {
  readonly prober: PlacedProber;
  readonly addresses: readonly string[];
}

/** A check that the second container of a pod made of the first. */
export interface NeighbourFinding {
  readonly pod: PlacedProber;
  readonly check: Check;
  readonly ok: boolean;
  readonly evidence: string;
}

/** A pod that was made anew under its name. */
export interface Recreation {
  readonly pod: PlacedProber;
  /** Its address now; `pod` has the one before. */
  readonly address: string;
  /** Whether it answers under its new address, and nobody under the old one. */
  readonly answers: Outcome;
  readonly oldIsSilent: Outcome;
}

export interface Verdict {
  readonly rule: string;
  readonly passed: number;
  readonly total: number;
  /** One line about what was seen. */
  readonly evidence: string;
  /** A line for each check that failed. */
  readonly failures: readonly string[];
}

export interface Seen {
  readonly nodes: readonly PlacedNode[];
  readonly probes: readonly Probe[];
  readonly findings: readonly Finding[];
  readonly ownViews: readonly OwnView[];
  readonly neighbours: readonly NeighbourFinding[];
  readonly recreations: readonly Recreation[];
}

export function judge({ nodes, probes, findings, ownViews, neighbours, recreations }: Seen): Verdict[] {
  const reach = (rule: string, belongs: (from: PlacedProber, to: PlacedProber) => boolean): Verdict => {
    const wanted = probes
      .filter(({ from, to }) => belongs(from, to))
      .flatMap(({ from, to, checks }) => checks.filter(isReach).map((check) => ({ from, to, check })));
    return verdictOf(
      rule,
      wanted.map(({ from, to, check }) => found(findings, from, to, check)),
    );
  };
  const payload = (rule: string, check: Check): Verdict => {
    const wanted = probes.filter(({ checks }) => checks.includes(check));
    return verdictOf(
      rule,
      wanted.map(({ from, to }) => found(findings, from, to, check)),
    );
  };
  const told = findings.filter(({ ok, check }) => ok && isReach(check) && check !== "icmp");
  const verdicts = [
    reach("pods reach pods on the same node", (from, to) => isPod(from) && isPod(to) && from.node === to.node),
    reach("pods reach pods on other nodes", (from, to) => isPod(from) && isPod(to) && from.node !== to.node),
    reach("nodes reach pods", (from, to) => from.onHost && isPod(to)),
    reach("pods reach nodes", (from, to) => isPod(from) && to.onHost),
    verdictOf(
      "no NAT: a server sees the sender's own address",
      told.map((finding) => ({
        ...finding,
        ok: finding.seenAs === finding.from.address,
        evidence: `seen as ${finding.seenAs}, is ${finding.from.address}`,
      })),
    ),
    ownViewVerdict(probes, ownViews),
    hostNetworkVerdict(nodes, probes, ownViews),
    neighbourVerdict("containers of a pod talk over localhost", neighbours, isReach),
    neighbourVerdict("containers of a pod compete for ports", neighbours, (check) => check === "port-taken"),
    recreationVerdict(recreations),
    payload("UDP datagrams from 1 B to 65,507 B arrive whole", "udp-sizes"),
    payload("10 MiB over TCP arrive whole", "tcp-bulk"),
  ];
  return verdicts.filter(({ total }) => total > 0);
}

function ownViewVerdict(probes: readonly Probe[], ownViews: readonly OwnView[]): Verdict {
  const pods = [...new Set(probes.map(({ from }) => from))].filter(isPod);
  const outcomes = pods.map((prober) => {
    const own = ownViews.find((view) => view.prober === prober)?.addresses ?? [];
    return {
      ok: own.length === 1 && own[0] === prober.address,
      label: prober.name,
      evidence: `has ${own.join(", ") || "no address that it told"}, others use ${prober.address}`,
    };
  });
  return summary("a pod sees itself under the address that others see", outcomes);
}

function hostNetworkVerdict(nodes: readonly PlacedNode[], probes: readonly Probe[], ownViews: readonly OwnView[]): Verdict {
  const probers = [...new Set(probes.map(({ from }) => from))].filter(({ onHost }) => onHost);
  const outcomes = probers.map((prober) => {
    const wanted = nodes.find(({ name }) => name === prober.node)?.address ?? "";
    const own = ownViews.find((view) => view.prober === prober)?.addresses ?? [];
    return {
      ok: prober.address === wanted && own.includes(wanted),
      label: prober.name,
      evidence: `has ${own.join(", ") || "no address that it told"}, is listed under ${prober.address}, its node under ${wanted}`,
    };
  });
  return summary("a hostNetwork pod has its node's address", outcomes);
}

function neighbourVerdict(rule: string, neighbours: readonly NeighbourFinding[], belongs: (check: Check) => boolean): Verdict {
  const outcomes = neighbours
    .filter(({ check }) => belongs(check))
    .map(({ pod, check, ok, evidence }) => ({ ok, label: `${pod.name} ${check}`, evidence }));
  return summary(rule, outcomes);
}

function recreationVerdict(recreations: readonly Recreation[]): Verdict {
  const outcomes = recreations.map(({ pod, address, answers, oldIsSilent }) => {
    if (address === pod.address) return { ok: false, label: pod.name, evidence: `has ${address} again` };
    if (!answers.ok) return { ok: false, label: pod.name, evidence: `does not answer under ${address}: ${answers.evidence}` };
    if (!oldIsSilent.ok) return { ok: false, label: pod.name, evidence: `${pod.address} is not free: ${oldIsSilent.evidence}` };
    return { ok: true, label: pod.name, evidence: `${pod.address} became ${address}; the old one: ${oldIsSilent.evidence}` };
  });
  return summary("a pod made anew has a new address", outcomes);
}

export interface Outcome {
  readonly ok: boolean;
  readonly evidence: string;
}

export interface LabelledOutcome extends Outcome {
  readonly label: string;
}

function verdictOf(rule: string, findings: readonly Finding[]): Verdict {
  return summary(
    rule,
    findings.map(({ ok, from, to, check, evidence }) => ({ ok, label: `${from.name} → ${to.name} ${check}`, evidence })),
  );
}

/** One rule's outcomes. */
export function summary(rule: string, outcomes: readonly LabelledOutcome[]): Verdict {
  const passed = outcomes.filter(({ ok }) => ok);
  const example = passed[0];
  return {
    rule,
    passed: passed.length,
    total: outcomes.length,
    evidence: example === undefined ? "" : `${example.label}: ${example.evidence}`,
    failures: outcomes.filter(({ ok }) => !ok).map(({ label, evidence }) => `${label}: ${evidence}`),
  };
}

/** A check that nobody reported is a failure. */
function found(findings: readonly Finding[], from: PlacedProber, to: PlacedProber, check: Check): Finding {
  const own = findings.find((finding) => finding.from === from && finding.to === to && finding.check === check);
  return own ?? { from, to, check, ok: false, seenAs: undefined, evidence: "the prober did not report" };
}

function isReach(check: Check): boolean {
  return check === "tcp" || check === "udp" || check === "icmp";
}

function isPod({ onHost }: PlacedProber): boolean {
  return !onHost;
}
