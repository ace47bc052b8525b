/* What `podwire verify` checks of Services and their names: which Services it makes in front of its probers, who asks them what, and
 * what that says. Pure.
 *
 * `web` is in front of each node's second pod, at an address and at a port of every node; `pods` is the same without an address; each
 * first pod has a Service of its own, through which it must reach itself; `idle` has nobody. */

import type { Check, Target } from "../../toolbox/probe.mts";
import { type Outcome, summary, type Verdict } from "./judge.ts";
import { isFirst, isSecond, type PlacedNode, type PlacedProber, type Prober, probePort, roleLabel, secondRole } from "./plan.ts";

const everywhere = { port: probePort, targetPort: probePort };
const both = [
  { name: "tcp", protocol: "TCP", ...everywhere },
  { name: "udp", protocol: "UDP", ...everywhere },
];

export function serviceManifests(probers: readonly Prober[], namespace: string): object[] {
  const service = (name: string, role: string, spec: object = {}) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector: { [roleLabel]: role }, ports: both, ...spec },
  });
  return [
    service("web", secondRole, { type: "NodePort" }),
    service("pods", secondRole, { clusterIP: "None" }),
    service("idle", "nobody"),
    ...probers.filter(isFirst).map(({ name }) => service(selfName(name), name)),
  ];
}

/** A Service that verify made, as the cluster completed it. */
export interface PlacedService {
  readonly name: string;
  /** "None" for a headless one. */
  readonly address: string;
  /** Of TCP and of UDP; undefined where it has none. */
  readonly nodePort: number | undefined;
}

export interface ServiceProbe {
  readonly rule: string;
  readonly from: PlacedProber;
  readonly target: Target;
}

export interface ServicePlanInput {
  readonly nodes: readonly PlacedNode[];
  readonly probers: readonly PlacedProber[];
  readonly services: readonly PlacedService[];
  /** Each prober asks its own node's port only. */
  readonly quick?: boolean;
}

const rules = {
  address: "a Service's address leads to its pods",
  noNat: "no NAT on the way: a server sees the pod that asks its Service",
  hairpin: "a pod reaches itself through its Service",
  nodePort: "a node port leads to the Service's pods on every node",
  refused: "a Service without pods refuses at once",
  names: "pods find Services by name",
} as const;

const reach: readonly Check[] = ["tcp", "udp"];

export function serviceProbes({ nodes, probers, services, quick = false }: ServicePlanInput): ServiceProbe[] {
  const first = probers.filter(isFirst);
  const second = probers.filter(isSecond).map(({ address }) => address);
  const hosts = probers.filter(({ onHost }) => onHost);
  const find = (name: string) => services.find((service) => service.name === name);
  const [web, idle] = [find("web"), find("idle")];
  const at = (name: string, address: string, checks: readonly Check[], more: Partial<Target> = {}): Target => {
    return { name, address, port: probePort, checks, ...more };
  };
  const asks = (rule: string, froms: readonly PlacedProber[], targets: readonly Target[]): ServiceProbe[] =>
    froms.flatMap((from) => targets.map((target) => ({ rule, from, target })));
  return [
    ...asks(rules.address, [...first, ...hosts], web === undefined ? [] : [at("web", web.address, reach)]),
    ...first.flatMap((from) => {
      const own = find(selfName(from.name));
      return own === undefined ? [] : asks(rules.hairpin, [from], [at(own.name, own.address, reach)]);
    }),
    ...[...first, ...hosts].flatMap((from) => {
      const asked = quick ? nodes.filter(({ name }) => name === from.node) : nodes;
      const port = web?.nodePort ?? 0;
      return asks(
        rules.nodePort,
        [from],
        asked.map(({ name, address }) => at(`port of ${name}`, address, reach, { port })),
      );
    }),
    ...asks(rules.refused, first, idle === undefined ? [] : [at("idle", idle.address, ["refused"])]),
    ...asks(rules.names, first, [
      at("web by name", "web", ["resolves", "tcp"], { expect: web === undefined ? [] : [web.address] }),
      at("pods by name", "pods", ["resolves"], { expect: second }),
    ]),
  ];
}

export interface ServiceFinding extends Outcome {
  readonly probe: ServiceProbe;
  readonly check: Check;
  readonly seenAs: string | undefined;
}

export function serviceVerdicts(probes: readonly ServiceProbe[], findings: readonly ServiceFinding[]): Verdict[] {
  const names = [...new Set(probes.map(({ rule }) => rule))];
  const told = findings.filter(({ probe, ok, seenAs }) => ok && seenAs !== undefined && probe.rule === rules.address);
  return [
    ...names.map((rule) =>
      summary(
        rule,
        probes
          .filter((probe) => probe.rule === rule)
          .flatMap((probe) => probe.target.checks.map((check) => outcomeOf(probe, check, findings))),
      ),
    ),
    summary(
      rules.noNat,
      told.map(({ probe: { from }, seenAs, check }) => ({
        label: `${from.name} → web ${check}`,
        ok: seenAs === from.address,
        evidence: `seen as ${seenAs}, is ${from.address}`,
      })),
    ),
  ].filter(({ total }) => total > 0);
}

/** A check that nobody reported is a failure. */
function outcomeOf(probe: ServiceProbe, check: Check, findings: readonly ServiceFinding[]) {
  const found = findings.find((finding) => finding.probe === probe && finding.check === check);
  const { ok, evidence } = found ?? { ok: false, evidence: "the prober did not report" };
  return { label: `${probe.from.name} → ${probe.target.name} ${check}`, ok, evidence };
}

function selfName(prober: string): string {
  return `self-${prober}`;
}
