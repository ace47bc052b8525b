/* The larger parts of a pod: probes, volumes, variables, ports, resources, placement. */

import assert from "node:assert/strict";
import { podKind } from "#core/objects/pod.ts";
import { podRequests, qosClassOf } from "#core/objects/pod-resources.ts";
import { formatProblem } from "#core/objects/problem.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";

function podOf(spec: object): Pod {
  return podKind.withDefaults(podKind.fromJson({ metadata: { name: "web", namespace: "default" }, spec }));
}

/** A pod of one container. */
function withContainer(container: object, spec: object = {}): Pod {
  return podOf({ containers: [{ name: "a", image: "x", ...container }], ...spec });
}

function problemsOf(pod: Pod): string[] {
  return podKind.validate(pod).map(formatProblem);
}

const c = "spec.containers[0]";
const exec = { exec: { command: ["true"] } };

interface Case {
  readonly title: string;
  readonly pod: Pod;
  /** How each problem begins. */
  readonly want: readonly string[];
}

function check(cases: readonly Case[]): void {
  for (const { title, pod, want } of cases) {
    it(title, () => {
      const problems = problemsOf(pod);
      assert.equal(problems.length, want.length, problems.join("\n"));
      for (const [i, start] of want.entries()) assert.ok(problems[i]?.startsWith(start), `${problems[i]}\nwanted ${start}`);
    });
  }
}

describe("probes", () => {
  it("have Kubernetes' defaults", () => {
    const pod = withContainer({
      livenessProbe: { httpGet: { port: 80 } },
      readinessProbe: { grpc: { port: 1 }, periodSeconds: 3, timeoutSeconds: 0 },
      lifecycle: { preStop: { httpGet: { port: "http" } } },
    });
    const [container] = (podKind.toJson(pod) as { spec: { containers: Record<string, unknown>[] } }).spec.containers;
    const counts = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
    assert.deepEqual(container?.livenessProbe, { httpGet: { path: "/", port: 80, scheme: "HTTP" }, ...counts });
    assert.deepEqual(container?.readinessProbe, { grpc: { port: 1, service: "" }, ...counts, periodSeconds: 3 });
    assert.deepEqual(container?.lifecycle, { preStop: { httpGet: { path: "/", port: "http", scheme: "HTTP" } } });
  });

  check([
    {
      title: "may ask in each of the four ways",
      pod: withContainer({
        startupProbe: exec,
        livenessProbe: {
          httpGet: { port: "http", httpHeaders: [{ name: "X-A", value: "b" }] },
          terminationGracePeriodSeconds: 5,
        },
        readinessProbe: { tcpSocket: { port: 65535 }, successThreshold: 2 },
        lifecycle: { postStart: exec, preStop: { sleep: { seconds: 30 } } },
      }),
      want: [],
    },
    {
      title: "need exactly one handler",
      pod: withContainer({ livenessProbe: {}, readinessProbe: { ...exec, tcpSocket: { port: 1 } } }),
      want: [
        `${c}.livenessProbe: Required value: must specify a handler type`,
        `${c}.readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`,
      ],
    },
    {
      title: "need a whole handler",
      pod: withContainer({
        startupProbe: { exec: {} },
        livenessProbe: { httpGet: { port: 0, scheme: "FTP", httpHeaders: [{ name: "a b" }] } },
        readinessProbe: { tcpSocket: {} },
        lifecycle: { postStart: { httpGet: { port: "no_port" } } },
      }),
      want: [
        `${c}.livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`,
        `${c}.livenessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"`,
        `${c}.livenessProbe.httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must`,
        `${c}.readinessProbe.tcpSocket.port: Required value`,
        `${c}.startupProbe.exec.command: Required value`,
        `${c}.lifecycle.postStart.httpGet.port: Invalid value: "no_port": must contain only alpha-numeric`,
      ],
    },
    {
      title: "have numbers within bounds",
      pod: withContainer({
        livenessProbe: { ...exec, initialDelaySeconds: -1, failureThreshold: -1, successThreshold: 2 },
        readinessProbe: { ...exec, terminationGracePeriodSeconds: 3 },
        startupProbe: { ...exec, terminationGracePeriodSeconds: 0 },
        lifecycle: { preStop: { sleep: { seconds: 31 } } },
      }),
      want: [
        `${c}.livenessProbe.initialDelaySeconds: Invalid value: -1: must be greater than or equal to 0`,
        `${c}.livenessProbe.failureThreshold: Invalid value: -1: must be greater than or equal to 0`,
        `${c}.livenessProbe.successThreshold: Invalid value: 2: must be 1`,
        `${c}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 3: must not be set for readinessProbes`,
        `${c}.startupProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0`,
        `${c}.lifecycle.preStop.sleep.seconds: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`,
      ],
    },
  ]);
});

describe("init containers", () => {
  const init = (...initContainers: object[]) => withContainer({}, { initContainers });
  check([
    {
      title: "may be sidecars with probes",
      pod: init({ name: "s", image: "x", restartPolicy: "Always", readinessProbe: exec, lifecycle: { preStop: exec } }),
      want: [],
    },
    {
      title: "have names of their own",
      pod: init({ name: "a", image: "x" }, { name: "b", image: "x" }, { name: "b", image: "x" }),
      want: ['spec.initContainers[0].name: Duplicate value: "a"', 'spec.initContainers[2].name: Duplicate value: "b"'],
    },
    {
      title: "that end are not probed",
      pod: init({ name: "i", image: "x", livenessProbe: exec, lifecycle: { postStart: exec } }),
      want: [
        "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always",
        "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
      ],
    },
    {
      title: "restart always or as the pod",
      pod: init({ name: "i", image: "x", restartPolicy: "Never" }),
      want: ['spec.initContainers[0].restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    },
    {
      title: "alone have a restart policy",
      pod: withContainer({ restartPolicy: "Always" }),
      want: [`${c}.restartPolicy: Forbidden: may not be set for non-init containers`],
    },
  ]);
});

describe("volumes", () => {
  it("are empty directories where nothing else is said, and have files of mode 0644", () => {
    const pod = podOf({ containers: [], volumes: [{ name: "v" }, { name: "c", configMap: { name: "m" } }] });
    assert.deepEqual({ ...pod.spec?.volumes[0]?.emptyDir }, {});
    assert.equal(pod.spec?.volumes[1]?.configMap?.defaultMode, 0o644);
  });

  check([
    {
      title: "may be mounted",
      pod: withContainer(
        { volumeMounts: [{ name: "v", mountPath: "/data", subPath: "a/b" }] },
        { volumes: [{ name: "v", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }] },
      ),
      want: [],
    },
    {
      title: "have one name and one source each",
      pod: withContainer(
        {},
        {
          volumes: [
            { emptyDir: {} },
            { name: "A", emptyDir: {} },
            { name: "v", emptyDir: {}, secret: { secretName: "s" } },
            { name: "v", configMap: {} },
            { name: "w", secret: { defaultMode: 512 } },
            { name: "x", emptyDir: { sizeLimit: "much" } },
            { name: "y", emptyDir: { sizeLimit: "-1" } },
          ],
        },
      ),
      want: [
        "spec.volumes[0].name: Required value",
        'spec.volumes[1].name: Invalid value: "A": a lowercase RFC 1123 label',
        "spec.volumes[2].secret: Forbidden: may not specify more than 1 volume type",
        'spec.volumes[3].name: Duplicate value: "v"',
        "spec.volumes[3].configMap.name: Required value",
        "spec.volumes[4].secret.secretName: Required value",
        "spec.volumes[4].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
        'spec.volumes[5].emptyDir.sizeLimit: Invalid value: "much": quantities must match',
        "spec.volumes[6].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
      ],
    },
    {
      title: "keep their files inside",
      pod: withContainer(
        {},
        {
          volumes: [
            {
              name: "v",
              configMap: { name: "c", items: [{ key: "a", path: "../b" }, { key: "b", path: "/b" }, { path: "..b" }] },
            },
          ],
        },
      ),
      want: [
        "spec.volumes[0].configMap.items[0].path: Invalid value: \"../b\": must not contain '..'",
        'spec.volumes[0].configMap.items[1].path: Invalid value: "/b": must be a relative path',
        "spec.volumes[0].configMap.items[2].key: Required value",
        "spec.volumes[0].configMap.items[2].path: Invalid value: \"..b\": must not start with '..'",
      ],
    },
    {
      title: "are there where they are mounted, at places of their own",
      pod: withContainer(
        {
          volumeMounts: [
            { name: "x", mountPath: "/a" },
            { name: "v", mountPath: "/a", subPath: "../b" },
            { name: "v", mountPath: "data" },
            {},
          ],
        },
        { volumes: [{ name: "v" }] },
      ),
      want: [
        `${c}.volumeMounts[0].name: Not found: "x"`,
        `${c}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`,
        `${c}.volumeMounts[1].subPath: Invalid value: "../b": must not contain '..'`,
        `${c}.volumeMounts[2].mountPath: Invalid value: "data": must be an absolute path`,
        `${c}.volumeMounts[3].name: Required value`,
        `${c}.volumeMounts[3].mountPath: Required value`,
      ],
    },
  ]);
});

describe("variables", () => {
  check([
    {
      title: "may come from elsewhere",
      pod: withContainer({
        env: [
          { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: "KEY", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: true } } },
        ],
        envFrom: [{ prefix: "P_", configMapRef: { name: "c" } }],
      }),
      want: [],
    },
    {
      title: "come from one place",
      pod: withContainer({
        env: [
          { name: "A", valueFrom: { fieldRef: { fieldPath: "spec.hostname" }, secretKeyRef: { name: "s", key: "a b" } } },
          { name: "B", valueFrom: { configMapKeyRef: {} } },
        ],
        envFrom: [{}, { configMapRef: { name: "c" }, secretRef: {} }],
      }),
      want: [
        `${c}.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time`,
        `${c}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.hostname": supported values: "metadata.name"`,
        `${c}.env[0].valueFrom.secretKeyRef.key: Invalid value: "a b": a valid config key must`,
        `${c}.env[1].valueFrom.configMapKeyRef.name: Required value`,
        `${c}.env[1].valueFrom.configMapKeyRef.key: Required value`,
        `${c}.envFrom[0]: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``,
        `${c}.envFrom[1]: Invalid value: "": may not have more than one field specified at a time`,
        `${c}.envFrom[1].secretRef.name: Required value`,
      ],
    },
  ]);
});

describe("ports of the node", () => {
  it("are the container's own in the node's network", () => {
    const pod = withContainer({ ports: [{ containerPort: 80 }] }, { hostNetwork: true });
    assert.equal(pod.spec?.containers[0]?.ports[0]?.hostPort, 80);
  });

  check([
    {
      title: "may differ by protocol and address",
      pod: withContainer({
        ports: [
          { containerPort: 80, hostPort: 80 },
          { containerPort: 80, hostPort: 80, protocol: "UDP" },
          { containerPort: 80, hostPort: 80, hostIP: "10.0.0.1" },
        ],
      }),
      want: [],
    },
    {
      title: "are taken once in a pod",
      pod: podOf({
        containers: [
          { name: "a", image: "x", ports: [{ containerPort: 80, hostPort: 80 }] },
          { name: "b", image: "x", ports: [{ containerPort: 81, hostPort: 80 }] },
        ],
      }),
      want: ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
    },
    {
      title: "are right",
      pod: withContainer({ ports: [{ containerPort: 80, hostPort: 81, hostIP: "localhost" }] }, { hostNetwork: true }),
      want: [
        `${c}.ports[0].containerPort: Invalid value: 80: must match \`hostPort\` when \`hostNetwork\` is true`,
        `${c}.ports[0].hostIP: Invalid value: "localhost": must be a valid IP address`,
      ],
    },
  ]);
});

describe("resources", () => {
  it("request what they limit, and are written as Kubernetes writes them", () => {
    const pod = withContainer({ resources: { limits: { cpu: "0.5", memory: "1024Mi" }, requests: { cpu: "0.1" } } });
    const resources = pod.spec?.containers[0]?.resources;
    assert.deepEqual({ ...resources?.limits }, { cpu: "500m", memory: "1Gi" });
    assert.deepEqual({ ...resources?.requests }, { cpu: "100m", memory: "1Gi" });
  });

  check([
    {
      title: "are quantities of known things, requests within limits",
      pod: withContainer({
        resources: {
          limits: { cpu: "1", memory: "much", "example.com/gpu": "1" },
          requests: { cpu: "1500m", memory: "-1", gpu: "1" },
        },
      }),
      want: [
        `${c}.resources.limits[memory]: Invalid value: "much": quantities must match`,
        `${c}.resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0`,
        `${c}.resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers`,
        `${c}.resources.requests: Invalid value: "1500m": must be less than or equal to cpu limit of 1`,
      ],
    },
  ]);

  const whole = { cpu: "1", memory: "1Gi" };
  const classes: { title: string; pod: Pod; want: string }[] = [
    { title: "nothing", pod: withContainer({}), want: "BestEffort" },
    { title: "zero", pod: withContainer({ resources: { requests: { cpu: "0" } } }), want: "BestEffort" },
    { title: "a request", pod: withContainer({ resources: { requests: { cpu: "1" } } }), want: "Burstable" },
    {
      title: "another resource",
      pod: withContainer({ resources: { limits: { "ephemeral-storage": "1Gi" } } }),
      want: "BestEffort",
    },
    { title: "both limits", pod: withContainer({ resources: { limits: whole } }), want: "Guaranteed" },
    { title: "one limit", pod: withContainer({ resources: { limits: { cpu: "1" } } }), want: "Burstable" },
    {
      title: "less than the limit",
      pod: withContainer({ resources: { limits: whole, requests: { cpu: "500m" } } }),
      want: "Burstable",
    },
    {
      title: "an init container without limits",
      pod: withContainer({ resources: { limits: whole } }, { initContainers: [{ name: "i", image: "x" }] }),
      want: "Burstable",
    },
  ];
  for (const { title, pod, want } of classes) {
    it(`of ${title} make a pod ${want}`, () => assert.equal(qosClassOf(pod), want));
  }

  it("of a pod are those of its containers and sidecars, or of an init container that needs more", () => {
    const asking = (name: string, cpu: string, more: object = {}) => ({
      name,
      image: "x",
      resources: { requests: { cpu } },
      ...more,
    });
    const cpuOf = (initContainers: object[], containers: object[]) =>
      Number((podRequests(podOf({ initContainers, containers })).get("cpu") ?? 0n) / 1_000_000n);
    assert.equal(cpuOf([], [asking("a", "100m"), asking("b", "200m")]), 300);
    assert.equal(cpuOf([asking("i", "1")], [asking("a", "100m")]), 1_000);
    const sidecar = asking("s", "300m", { restartPolicy: "Always" });
    assert.equal(cpuOf([asking("i", "1"), sidecar], [asking("a", "100m")]), 1_000);
    assert.equal(cpuOf([sidecar, asking("i", "1")], [asking("a", "100m")]), 1_300);
    assert.equal(cpuOf([sidecar], [asking("a", "100m")]), 400);
  });
});

describe("security", () => {
  check([
    {
      title: "numbers are users and groups",
      pod: withContainer(
        { securityContext: { runAsUser: -1, runAsGroup: 2147483648 } },
        { securityContext: { fsGroup: -2, supplementalGroups: [1, -3] } },
      ),
      want: [
        `${c}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive`,
        `${c}.securityContext.runAsGroup: Invalid value: 2147483648: must be between`,
        "spec.securityContext.fsGroup: Invalid value: -2: must be between",
        "spec.securityContext.supplementalGroups[1]: Invalid value: -3: must be between",
      ],
    },
    {
      title: "leaves termination messages to two policies",
      pod: withContainer({ terminationMessagePolicy: "Log" }),
      want: [`${c}.terminationMessagePolicy: Unsupported value: "Log": supported values: "FallbackToLogsOnError", "File"`],
    },
  ]);
});

describe("placement", () => {
  it("stays five minutes on a lost node, unless the pod says how long", () => {
    const seconds = (tolerations: object[]) =>
      withContainer({}, { tolerations }).spec?.tolerations.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]);
    assert.deepEqual(
      seconds([{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 }]),
      [
        ["node.kubernetes.io/not-ready", 5],
        ["node.kubernetes.io/unreachable", 300],
      ],
    );
    assert.deepEqual(seconds([{ operator: "Exists" }]), [[undefined, undefined]]);
  });

  const affinity = (nodeAffinity: object) => withContainer({}, { affinity: { nodeAffinity } });
  const needed = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  const preferred = "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution";
  check([
    {
      title: "has tolerations that make sense",
      pod: withContainer(
        {},
        {
          tolerations: [
            { key: "a b", operator: "Exists" },
            { operator: "Equal" },
            { key: "a", operator: "Exists", value: "x" },
            { key: "a", operator: "In" },
            { key: "a", effect: "Never" },
            { key: "a", effect: "NoSchedule", tolerationSeconds: 1 },
            { operator: "Exists" },
          ],
        },
      ),
      want: [
        'spec.tolerations[0].key: Invalid value: "a b": name part must',
        'spec.tolerations[1].operator: Invalid value: "Equal": operator must be Exists when `key` is empty',
        "spec.tolerations[2].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
        'spec.tolerations[3].operator: Unsupported value: "In": supported values: "Equal", "Exists"',
        'spec.tolerations[4].effect: Unsupported value: "Never"',
        "spec.tolerations[5].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
      ],
    },
    {
      title: "has affinity that makes sense",
      pod: affinity({
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: "a", operator: "In" },
                { key: "a", operator: "Exists", values: ["x"] },
                { key: "a", operator: "Gt", values: [] },
                { key: "a", operator: "Like" },
              ],
              matchFields: [{ key: "metadata.uid", operator: "Exists" }],
            },
          ],
        },
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, preference: {} }],
      }),
      want: [
        `${needed}[0].matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
        `${needed}[0].matchExpressions[1].values: Forbidden: may not be specified`,
        `${needed}[0].matchExpressions[2].values: Required value: must be specified single value`,
        `${needed}[0].matchExpressions[3].operator: Invalid value: "Like": not a valid selector operator`,
        `${needed}[0].matchFields[0].operator: Invalid value: "Exists": not a valid selector operator`,
        `${needed}[0].matchFields[0].key: Invalid value: "metadata.uid": not a valid field selector key`,
        `${preferred}[0].weight: Invalid value: 101: must be in the range 1-100`,
      ],
    },
    {
      title: "has at least one term where it requires any",
      pod: affinity({ requiredDuringSchedulingIgnoredDuringExecution: {} }),
      want: [`${needed}: Required value: must have at least one node selector term`],
    },
    {
      title: "names hosts by address",
      pod: withContainer({}, { hostAliases: [{ ip: "10.0.0.300", hostnames: ["a.b", "A"] }] }),
      want: [
        'spec.hostAliases[0].ip: Invalid value: "10.0.0.300": must be a valid IP address',
        'spec.hostAliases[0].hostnames[1]: Invalid value: "A": a lowercase RFC 1123 subdomain',
      ],
    },
  ]);
});

describe("a pod of an older version", () => {
  it("may be updated though it lacks the defaults of today", () => {
    const old = podKind.fromJson({
      metadata: { name: "web", namespace: "default" },
      spec: { containers: [{ name: "a", image: "x" }], restartPolicy: "Always" },
    });
    assert.deepEqual(podKind.validateUpdate(podKind.withDefaults(old), old), []);
  });
});
