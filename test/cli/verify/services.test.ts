import assert from "node:assert/strict";
import { probersFor } from "../../../cli/verify/plan.ts";
import {
  type PlacedService,
  type ServiceFinding,
  serviceManifests,
  serviceProbes,
  serviceVerdicts,
} from "../../../cli/verify/services.ts";

const probers = probersFor(["node-1", "node-2"]).map((prober, i) => ({
  ...prober,
  address: prober.onHost ? `172.18.1.${i}` : `10.244.0.${i}`,
}));
const nodes = [
  { name: "node-1", address: "172.18.1.2" },
  { name: "node-2", address: "172.18.1.5" },
];
const services: PlacedService[] = serviceManifests(probers, "n").map((manifest, i) => {
  const { metadata, spec } = manifest as { metadata: { name: string }; spec: { clusterIP?: string; type?: string } };
  const nodePort = spec.type === "NodePort" ? 30_080 : undefined;
  return { name: metadata.name, address: spec.clusterIP ?? `10.96.1.${i}`, nodePort };
});
const probes = serviceProbes({ nodes, probers, services });

function healthy(): ServiceFinding[] {
  return probes.flatMap((probe) =>
    probe.target.checks.map((check) => ({ probe, check, ok: true, seenAs: probe.from.address, evidence: "fine" })),
  );
}

describe("verify's plan for Services", () => {
  it("asks each of them from pods and nodes, and nodes at their ports", () => {
    const asked = (from: string) => probes.filter((probe) => probe.from.name === from).map(({ target }) => target.name);
    assert.deepEqual(asked("a-node-1"), [
      "web",
      "self-a-node-1",
      "port of node-1",
      "port of node-2",
      "idle",
      "web by name",
      "pods by name",
    ]);
    assert.deepEqual(asked("host-node-2"), ["web", "port of node-1", "port of node-2"]);
    assert.deepEqual(asked("b-node-1"), [], "those behind the Service don't ask it");
  });

  it("expects of names what the Services have", () => {
    const expected = probes.flatMap(({ target }) => (target.expect === undefined ? [] : [[target.address, ...target.expect]]));
    assert.deepEqual(expected.slice(0, 2), [
      ["web", "10.96.1.0"],
      ["pods", "10.244.0.1", "10.244.0.4"],
    ]);
  });
});

describe("verify's verdict on Services", () => {
  const ruleOf = (findings: readonly ServiceFinding[], rule: RegExp) =>
    serviceVerdicts(probes, findings).find((verdict) => rule.test(verdict.rule)) ?? assert.fail(`${rule}`);

  it("is good where every check is", () => {
    for (const { passed, total, rule } of serviceVerdicts(probes, healthy())) assert.equal(passed, total, rule);
    assert.equal(serviceVerdicts(probes, healthy()).length, 6);
  });

  it("names the check that failed, and the one that nobody reported", () => {
    const [first, ...rest] = healthy();
    assert.ok(first !== undefined);
    const failed = ruleOf([{ ...first, ok: false, evidence: "broken" }, ...rest], /address leads/);
    assert.deepEqual(failed.failures, ["a-node-1 → web tcp: broken"]);
    assert.deepEqual(ruleOf(rest, /address leads/).failures, ["a-node-1 → web tcp: the prober did not report"]);
  });

  it("is bad where a server saw another than the sender", () => {
    const [first, ...rest] = healthy();
    assert.ok(first !== undefined);
    const seen = ruleOf([{ ...first, seenAs: "172.18.1.2" }, ...rest], /no NAT/);
    assert.deepEqual(seen.failures, ["a-node-1 → web tcp: seen as 172.18.1.2, is 10.244.0.0"]);
  });
});
