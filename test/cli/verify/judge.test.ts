import { deepEqual, equal, ok } from "node:assert/strict";
import { judge, type Seen } from "../../../cli/verify/judge.ts";
import {
  type PlacedProber,
  type Probe,
  probersFor,
  probesFor,
  targetsOf,
  toRecreate,
  withNeighbour,
} from "../../../cli/verify/plan.ts";
import { allPassed, renderVerdicts } from "../../../cli/verify/render.ts";

const probers: readonly PlacedProber[] = probersFor(["node-1", "node-2", "node-3"]).map((prober, index) => ({
  ...prober,
  address: prober.onHost ? `172.18.1.${index}` : `10.244.0.${index}`,
}));
const nodes = probers.filter(({ onHost }) => onHost).map(({ node, address }) => ({ name: node, address }));
const probes = probesFor(probers);
const [firstPod, secondPod] = probers;

type MutableSeen = { -readonly [K in keyof Seen]: Seen[K][number][] };

function healthy(): MutableSeen {
  const fine = { ok: true, evidence: "fine" };
  return {
    nodes: [...nodes],
    probes: [...probes],
    neighbours: withNeighbour(probers).flatMap((pod) => [
      { pod, check: "tcp", ...fine },
      { pod, check: "udp", ...fine },
      { pod, check: "port-taken", ...fine },
    ]),
    recreations: toRecreate(probers).map((pod, index) => ({
      pod,
      address: `10.244.1.${index}`,
      answers: fine,
      oldIsSilent: fine,
    })),
    findings: probes.flatMap(({ from, to, checks }) =>
      checks.map((check) => ({
        from,
        to,
        check,
        ok: true,
        seenAs: check === "icmp" || check === "udp-sizes" ? undefined : from.address,
        evidence: "fine",
      })),
    ),
    ownViews: probers.map((prober) => ({ prober, addresses: [prober.address] })),
  };
}

function between(from: PlacedProber | undefined, to: PlacedProber | undefined) {
  return (finding: Seen["findings"][number]) => finding.from === from && finding.to === to;
}

describe("verify's plan", () => {
  it("is a few checks for each node where it must be quick", () => {
    const many = probersFor(Array.from({ length: 30 }, (_, i) => `node-${i + 1}`)).map((prober, i) => ({
      ...prober,
      address: `${i}`,
    }));
    const quick = probesFor(many, { quick: true });
    ok(quick.length <= 30 * 7, `${quick.length} probes`);
    for (const node of ["node-1", "node-30"]) {
      const seen = new Set(quick.filter(({ from }) => from.node === node).map(({ to }) => to.node));
      deepEqual([...seen].sort(), [node, node === "node-1" ? "node-2" : "node-1"].sort());
    }
  });

  const has = (accept: (probe: Probe) => boolean) => probes.filter(accept).length;

  it("probes from every pod to every other pod, and between pods and nodes both ways", () => {
    equal(
      has(({ from, to }) => !from.onHost && !to.onHost),
      6 * 5,
    );
    equal(
      has(({ from, to }) => from.onHost && !to.onHost),
      3 * 3,
    );
    equal(
      has(({ from, to }) => !from.onHost && to.onHost),
      3 * 3,
    );
    equal(
      has(({ from, to }) => from === to),
      0,
    );
  });

  it("sends large payloads once around the nodes and once within one", () => {
    const large = probes.filter(({ checks }) => checks.includes("tcp-bulk")).map(({ from, to }) => `${from.name} ${to.name}`);
    deepEqual(large, ["a-node-1 b-node-1", "a-node-1 a-node-2", "a-node-2 a-node-3", "a-node-3 a-node-1"]);
  });

  it("works on a single node", () => {
    const alone = probesFor(probersFor(["only"]).map((prober, index) => ({ ...prober, address: `10.0.0.${index}` })));
    ok(alone.some(({ checks }) => checks.includes("udp-sizes")));
    ok(alone.every(({ from, to }) => from !== to));
  });

  it("tells each prober its targets", () => {
    const targets = targetsOf(firstPod as PlacedProber, probes);
    equal(targets.length, 5 + 3);
    ok(targets.every(({ port, address }) => port === 19_777 && address !== firstPod?.address));
  });
});

describe("verify's verdicts", () => {
  const rulesThatFail = (seen: Seen) =>
    judge(seen)
      .filter(({ passed, total }) => passed < total)
      .map(({ rule }) => rule);

  it("pass where everything was found well", () => {
    const verdicts = judge(healthy());
    equal(allPassed(verdicts), true);
    equal(verdicts.length, 12);
    ok(renderVerdicts(verdicts).includes("The network model holds: 12 rules"));
  });

  interface Case {
    readonly sentence: string;
    readonly spoil: (seen: MutableSeen) => void;
    readonly rules: readonly string[];
  }

  const podCases: readonly Case[] = [
    {
      sentence: "fail where a hostNetwork pod has another address than its node",
      spoil: ({ nodes: seenNodes }) => {
        seenNodes[1] = { name: "node-2", address: "172.18.9.9" };
      },
      rules: ["a hostNetwork pod has its node's address"],
    },
    {
      sentence: "fail where a container does not reach its neighbour over localhost",
      spoil: ({ neighbours }) => {
        neighbours[0] = { ...(neighbours[0] as Seen["neighbours"][number]), ok: false };
      },
      rules: ["containers of a pod talk over localhost"],
    },
    {
      sentence: "fail where two containers of a pod can have the same port",
      spoil: ({ neighbours }) => {
        const index = neighbours.findIndex(({ check }) => check === "port-taken");
        neighbours[index] = { ...(neighbours[index] as Seen["neighbours"][number]), ok: false };
      },
      rules: ["containers of a pod compete for ports"],
    },
    {
      sentence: "fail where a pod made anew has its old address",
      spoil: ({ recreations }) => {
        const first = recreations[0] as Seen["recreations"][number];
        recreations[0] = { ...first, address: first.pod.address };
      },
      rules: ["a pod made anew has a new address"],
    },
    {
      sentence: "fail where somebody still answers under the old address",
      spoil: ({ recreations }) => {
        const first = recreations[0] as Seen["recreations"][number];
        recreations[0] = { ...first, oldIsSilent: { ok: false, evidence: "something answers" } };
      },
      rules: ["a pod made anew has a new address"],
    },
  ];

  const cases: readonly Case[] = [
    {
      sentence: "fail where a pod does not reach another on its node",
      spoil: ({ findings }) => {
        const index = findings.findIndex((finding) => between(firstPod, secondPod)(finding) && finding.check === "tcp");
        findings[index] = { ...(findings[index] as Seen["findings"][number]), ok: false };
      },
      rules: ["pods reach pods on the same node"],
    },
    {
      sentence: "fail where a check was never reported",
      spoil: ({ findings }) => {
        findings.splice(
          findings.findIndex(({ from, to }) => from.onHost && !to.onHost),
          1,
        );
      },
      rules: ["nodes reach pods"],
    },
    {
      sentence: "fail where a server sees another address than the sender's",
      spoil: ({ findings }) => {
        const index = findings.findIndex(({ from, check }) => !from.onHost && check === "udp");
        findings[index] = { ...(findings[index] as Seen["findings"][number]), seenAs: "172.18.1.1" };
      },
      rules: ["no NAT: a server sees the sender's own address"],
    },
    {
      sentence: "fail where a pod has another address than others use",
      spoil: ({ ownViews }) => {
        ownViews[0] = { prober: firstPod as PlacedProber, addresses: ["192.168.0.1"] };
      },
      rules: ["a pod sees itself under the address that others see"],
    },
    {
      sentence: "fail where a large payload came back changed",
      spoil: ({ findings }) => {
        for (const [index, finding] of findings.entries())
          if (finding.check === "tcp-bulk") findings[index] = { ...finding, ok: false };
      },
      rules: ["10 MiB over TCP arrive whole"],
    },
  ];
  for (const { sentence, spoil, rules } of [...cases, ...podCases]) {
    it(sentence, () => {
      const seen = healthy();
      spoil(seen);
      deepEqual(rulesThatFail(seen), rules);
      equal(allPassed(judge(seen)), false);
    });
  }

  it("name each check that failed", () => {
    const seen = healthy();
    const findings = seen.findings.map((finding) =>
      between(firstPod, secondPod)(finding) ? { ...finding, ok: false, evidence: "no echo reply" } : finding,
    );
    const text = renderVerdicts(judge({ ...seen, findings }));
    ok(text.includes("a-node-1 → b-node-1 icmp: no echo reply"), text);
    ok(text.includes("The network model does not hold"), text);
  });

  it("never pass on nothing", () => equal(allPassed([]), false));
});
