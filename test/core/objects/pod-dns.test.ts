import assert from "node:assert/strict";
import { validateDns } from "#core/objects/pod-dns.ts";
import { formatProblem } from "#core/objects/problem.ts";
import { PodSpec } from "#proto/podwire/v1/resources.ts";

const problemsOf = (spec: object) => validateDns(PodSpec.fromJSON(spec), "spec").map(formatProblem);
const config = (dnsConfig: object) => ({ dnsPolicy: "ClusterFirst", dnsConfig });

describe("a pod's dnsPolicy and dnsConfig", () => {
  for (const spec of [
    {},
    { dnsPolicy: "Default" },
    { dnsPolicy: "None", dnsConfig: { nameservers: ["192.0.2.1"] } },
    config({ nameservers: ["192.0.2.1", "192.0.2.2", "192.0.2.3"], searches: ["a.test", "b.test.", "_tcp.c_d.test", "."] }),
    config({ options: [{ name: "ndots", value: "2" }, { name: "edns0" }] }),
    config({ searches: Array.from({ length: 32 }, (_, i) => `${i}.test`) }),
  ]) {
    it(`may be ${JSON.stringify(spec).slice(0, 100)}`, () => assert.deepEqual(problemsOf(spec), []));
  }

  const wrong: readonly (readonly [spec: object, ...problems: string[]])[] = [
    [
      { dnsPolicy: "Cluster" },
      'spec.dnsPolicy: Unsupported value: "Cluster": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
    ],
    [{ dnsPolicy: "None" }, "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
    [
      { dnsPolicy: "None", dnsConfig: { searches: ["a.test"] } },
      "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None",
    ],
    [
      config({ nameservers: ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] }),
      "spec.dnsConfig.nameservers: Invalid value: […]: must not have more than 3 nameservers",
    ],
    [
      config({ nameservers: ["ns.test"] }),
      'spec.dnsConfig.nameservers[0]: Invalid value: "ns.test": must be a valid IP address, (e.g. 10.9.8.7); Podwire has IPv4 only',
    ],
    [
      config({ searches: Array.from({ length: 33 }, (_, i) => `${i}.test`) }),
      "spec.dnsConfig.searches: Invalid value: […]: must not have more than 32 search paths",
    ],
    [
      config({ searches: Array.from({ length: 30 }, (_, i) => `${i}.${"x".repeat(60)}.test`) }),
      "spec.dnsConfig.searches: Invalid value: […]: must not have more than 2048 characters (including spaces) in the search list",
    ],
    [
      config({ searches: ["a b"] }),
      "spec.dnsConfig.searches[0]: Invalid value: \"a b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')",
    ],
    [config({ options: [{ value: "2" }] }), "spec.dnsConfig.options[0]: Required value: must not be empty"],
  ];
  for (const [spec, ...problems] of wrong) {
    it(`may not be ${JSON.stringify(spec).slice(0, 100)}`, () => assert.deepEqual(problemsOf(spec), problems));
  }
});
