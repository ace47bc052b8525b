import assert from "node:assert/strict";
import { formatProblem } from "#core/objects/problem.ts";
import { serviceKind } from "#core/objects/service.ts";
import { afterChange } from "#core/services/service-change.ts";
import type { Service } from "#proto/podwire/v1/resources.ts";

const port = { port: 80 };

function serviceOf(spec: object, name = "web"): Service {
  return serviceKind.withDefaults(serviceKind.fromJson({ metadata: { name, namespace: "default" }, spec }));
}

describe("a Service's defaults", () => {
  it("are those of Kubernetes", () => {
    assert.deepEqual(serviceKind.toJson(serviceOf({ ports: [port] })), {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: {
        type: "ClusterIP",
        ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
        sessionAffinity: "None",
        internalTrafficPolicy: "Cluster",
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
      },
    });
  });

  it("remember a client for three hours, and none without affinity", () => {
    const sticky = serviceOf({ ports: [port], sessionAffinity: "ClientIP" });
    assert.equal(sticky.spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds, 10_800);
    const config = { sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } };
    assert.equal(serviceOf({ ports: [port], ...config }).spec?.sessionAffinityConfig, undefined);
  });

  it("take what comes from outside to any pod", () => {
    assert.equal(serviceOf({ type: "NodePort", ports: [port] }).spec?.externalTrafficPolicy, "Cluster");
    assert.equal(serviceOf({ ports: [port] }).spec?.externalTrafficPolicy, undefined);
  });
});

describe("a Service's rules", () => {
  const cases: { title: string; spec: object; want: string[] }[] = [
    { title: "want a port", spec: {}, want: ["spec.ports: Required value"] },
    { title: "want none of a headless Service", spec: { clusterIP: "None" }, want: [] },
    {
      title: "bound ports",
      spec: {
        ports: [
          { name: "a", port: 0 },
          { name: "b", port: 65536 },
          { name: "c", port: 1, targetPort: 70000 },
        ],
      },
      want: [
        "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535",
        "spec.ports[0].targetPort: Invalid value: 0",
        "spec.ports[1].port: Invalid value: 65536",
        "spec.ports[1].targetPort: Invalid value: 65536",
        "spec.ports[2].targetPort: Invalid value: 70000",
      ],
    },
    {
      title: "name several ports, differently",
      spec: { ports: [{ port: 1 }, { name: "a", port: 2 }, { name: "a", port: 3 }] },
      want: ["spec.ports[0].name: Required value", 'spec.ports[2].name: Duplicate value: "a"'],
    },
    {
      title: "let TCP and UDP share a port, and no two of one kind",
      spec: {
        ports: [
          { name: "a", port: 53 },
          { name: "b", port: 53, protocol: "UDP" },
          { name: "c", port: 53 },
        ],
      },
      want: ['spec.ports[2]: Duplicate value: "TCP/53"'],
    },
    {
      title: "know TCP and UDP",
      spec: { ports: [{ port: 1, protocol: "SCTP" }] },
      want: ['spec.ports[0].protocol: Unsupported value: "SCTP": supported values: "TCP", "UDP"'],
    },
    {
      title: "take a target's number or name",
      spec: { ports: [{ port: 1, targetPort: "no_name" }] },
      want: ['spec.ports[0].targetPort: Invalid value: "no_name"'],
    },
    {
      title: "give node ports to types that have them",
      spec: { ports: [{ port: 80, nodePort: 30080 }] },
      want: ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    },
    {
      title: "want a name of an ExternalName, and no address",
      spec: { type: "ExternalName", clusterIP: "10.96.0.7" },
      want: ["spec.clusterIP: Forbidden: may not be set for ExternalName services", "spec.externalName: Required value"],
    },
    {
      title: "want an address of a NodePort",
      spec: { type: "NodePort", clusterIP: "None", ports: [port] },
      want: ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
    },
    {
      title: "know an address when they see one",
      spec: { clusterIP: "10.96.0", ports: [port] },
      want: ['spec.clusterIPs[0]: Invalid value: "10.96.0": must be a valid IP address'],
    },
    {
      title: "refuse external addresses, and say why",
      spec: { externalIPs: ["1.2.3.4"], ports: [port] },
      want: ["spec.externalIPs: Forbidden: whoever may make a Service could take the traffic to any address (CVE-2020-8554)"],
    },
    {
      title: "keep what is for the outside to those that have one",
      spec: { externalTrafficPolicy: "Local", healthCheckNodePort: 30000, loadBalancerIP: "10.97.0.1", ports: [port] },
      want: [
        'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer'",
        "spec.loadBalancerIP: Forbidden: may only be used when `type` is 'LoadBalancer'",
      ],
    },
    {
      title: "know the words of their fields",
      spec: {
        type: "Cluster",
        sessionAffinity: "Cookie",
        internalTrafficPolicy: "Node",
        trafficDistribution: "Far",
        ports: [port],
      },
      want: [
        'spec.type: Unsupported value: "Cluster"',
        'spec.sessionAffinity: Unsupported value: "Cookie"',
        'spec.internalTrafficPolicy: Unsupported value: "Node"',
        'spec.trafficDistribution: Unsupported value: "Far"',
      ],
    },
    {
      title: "have one address family",
      spec: { ipFamilies: ["IPv6"], ipFamilyPolicy: "RequireDualStack", ports: [port] },
      want: ['spec.ipFamilyPolicy: Invalid value: "RequireDualStack"', 'spec.ipFamilies: Invalid value: "IPv6"'],
    },
    {
      title: "remember a client for a day at most",
      spec: {
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } },
        ports: [port],
      },
      want: ["spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be between 1 and 86400"],
    },
  ];
  for (const { title, spec, want } of cases) {
    it(title, () => {
      const problems = serviceKind.validate(serviceOf(spec)).map(formatProblem);
      assert.equal(problems.length, want.length, problems.join("\n"));
      for (const [i, start] of want.entries()) assert.ok(problems[i]?.startsWith(start), `${problems[i]}\nwanted ${start}`);
    });
  }

  for (const name of ["1web", "Web", "web.x", "web-"]) {
    it(`refuse the name ${name}, which is no label of RFC 1035`, () => {
      assert.match(formatProblem(serviceKind.validate(serviceOf({ ports: [port] }, name))[0] ?? assert.fail()), /DNS-1035 label/);
    });
  }
});

describe("a change of a Service", () => {
  const before = serviceOf({ type: "NodePort", clusterIP: "10.96.0.7", ports: [{ port: 80, nodePort: 30080 }] });

  it("keeps the address and the node ports that it doesn't name", () => {
    const next = afterChange(serviceOf({ type: "NodePort", ports: [{ port: 80, targetPort: 8080 }] }), before);
    assert.deepEqual([next.spec?.clusterIP, next.spec?.ports[0]?.nodePort], ["10.96.0.7", 30080]);
  });

  it("drops node ports with the type that had them, unless others are asked for", () => {
    const kept = serviceOf({ type: "ClusterIP", clusterIP: "10.96.0.7", ports: [{ port: 80, nodePort: 30080 }] });
    assert.equal(afterChange(kept, before).spec?.ports[0]?.nodePort, undefined);
    const other = serviceOf({ type: "ClusterIP", clusterIP: "10.96.0.7", ports: [{ port: 80, nodePort: 30081 }] });
    assert.equal(afterChange(other, before).spec?.ports[0]?.nodePort, 30081);
  });

  it("drops the address of what becomes an ExternalName", () => {
    const alias = serviceOf({ type: "ExternalName", externalName: "a.b", clusterIP: "10.96.0.7", ports: [port] });
    const { spec } = afterChange(alias, before);
    assert.deepEqual([spec?.clusterIP, spec?.clusterIPs, spec?.externalTrafficPolicy], [undefined, [], undefined]);
  });

  it("may not choose another address", () => {
    const next = serviceOf({ type: "NodePort", clusterIP: "10.96.0.8", ports: [port] });
    const [problem] = serviceKind.validateUpdate(next, before);
    assert.match(problem?.message ?? "", /may not change once set \(it is 10\.96\.0\.7\)/);
  });
});
