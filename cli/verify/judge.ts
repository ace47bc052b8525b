/* The rules of the Kubernetes network model, judged by what the probers saw. Pure.
 * Source: https://kubernetes.io/docs/concepts/services-networking/ */

import type { Check } from "../../toolbox/probe.mts";
import type { PlacedProber, Probe } from "./plan.ts";

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
  readonly probes: readonly Probe[];
  readonly findings: readonly Finding[];
  readonly ownViews: readonly OwnView[];
}

export function judge({ probes, findings, ownViews }: Seen): Verdict[] {
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

interface Outcome {
  readonly ok: boolean;
  readonly label: string;
  readonly evidence: string;
}

function verdictOf(rule: string, findings: readonly Finding[]): Verdict {
  return summary(
    rule,
    findings.map(({ ok, from, to, check, evidence }) => ({ ok, label: `${from.name} → ${to.name} ${check}`, evidence })),
  );
}

function summary(rule: string, outcomes: readonly Outcome[]): Verdict {
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
