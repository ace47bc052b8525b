import { deepEqual, equal, ok } from "node:assert/strict";
import { type Finding, judge, type OwnView } from "../../../cli/verify/judge.ts";
import { type PlacedProber, type Probe, probersFor, probesFor, targetsOf } from "../../../cli/verify/plan.ts";
import { allPassed, renderVerdicts } from "../../../cli/verify/render.ts";

const probers: readonly PlacedProber[] = probersFor(["node-1", "node-2", "node-3"]).map((prober, index) => ({
  ...prober,
  address: prober.onHost ? `172.18.1.${index}` : `10.244.0.${index}`,
}));
const probes = probesFor(probers);
const [firstPod, secondPod] = probers;

function healthy(): { findings: Finding[]; ownViews: OwnView[] } {
  return {
    findings: probes.flatMap(({ from, to, checks }) =>
      checks.map(
        (check): Finding => ({
          from,
          to,
          check,
          ok: true,
          seenAs: check === "icmp" || check === "udp-sizes" ? undefined : from.address,
          evidence: "fine",
        }),
      ),
    ),
    ownViews: probers.map((prober) => ({ prober, addresses: [prober.address] })),
  };
}

function between(from: PlacedProber | undefined, to: PlacedProber | undefined) {
  return (finding: Finding) => finding.from === from && finding.to === to;
}

describe("verify's plan", () => {
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
  const rulesThatFail = (findings: readonly Finding[], ownViews: readonly OwnView[]) =>
    judge({ probes, findings, ownViews })
      .filter(({ passed, total }) => passed < total)
      .map(({ rule }) => rule);

  it("pass where everything was found well", () => {
    const verdicts = judge({ probes, ...healthy() });
    equal(allPassed(verdicts), true);
    equal(verdicts.length, 8);
    ok(renderVerdicts(verdicts).includes("The network model holds: 8 rules"));
  });

  const cases: readonly {
    readonly sentence: string;
    readonly spoil: (seen: ReturnType<typeof healthy>) => void;
    readonly rules: readonly string[];
  }[] = [
    {
      sentence: "fail where a pod does not reach another on its node",
      spoil: ({ findings }) => {
        const index = findings.findIndex((finding) => between(firstPod, secondPod)(finding) && finding.check === "tcp");
        findings[index] = { ...(findings[index] as Finding), ok: false };
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
        findings[index] = { ...(findings[index] as Finding), seenAs: "172.18.1.1" };
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
  for (const { sentence, spoil, rules } of cases) {
    it(sentence, () => {
      const seen = healthy();
      spoil(seen);
      deepEqual(rulesThatFail(seen.findings, seen.ownViews), rules);
      equal(allPassed(judge({ probes, ...seen })), false);
    });
  }

  it("name each check that failed", () => {
    const { findings, ownViews } = healthy();
    const broken = findings.map((finding) =>
      between(firstPod, secondPod)(finding) ? { ...finding, ok: false, evidence: "no echo reply" } : finding,
    );
    const text = renderVerdicts(judge({ probes, findings: broken, ownViews }));
    ok(text.includes("a-node-1 → b-node-1 icmp: no echo reply"), text);
    ok(text.includes("The network model does not hold"), text);
  });

  it("never pass on nothing", () => equal(allPassed([]), false));
});
