import assert from "node:assert/strict";
import { podKind } from "#core/objects/pod.ts";
import { formatProblem } from "#core/objects/problem.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";

function podOf(spec: object, metadata: object = {}): Pod {
  return podKind.withDefaults(podKind.fromJson({ metadata: { name: "web", namespace: "default", ...metadata }, spec }));
}

const container = { name: "web", image: "nginx:1.27" };

function problemsOf(pod: Pod): string[] {
  return podKind.validate(pod).map(formatProblem);
}

describe("a pod's defaults", () => {
  const policies = [
    { image: "nginx", want: "Always" },
    { image: "nginx:latest", want: "Always" },
    { image: "nginx:1.27", want: "IfNotPresent" },
    { image: "registry.local:5000/nginx", want: "Always" },
    { image: "registry.local:5000/nginx:1", want: "IfNotPresent" },
    { image: "nginx@sha256:0123", want: "IfNotPresent" },
    { image: "nginx:latest@sha256:0123", want: "IfNotPresent" },
  ];
  for (const { image, want } of policies) {
    it(`pull ${image} ${want}`, () => {
      assert.equal(podOf({ containers: [{ name: "a", image }] }).spec?.containers[0]?.imagePullPolicy, want);
    });
  }

  it("are Kubernetes' own", () => {
    const pod = podOf({ containers: [{ ...container, ports: [{ containerPort: 80 }, { containerPort: 53, protocol: "UDP" }] }] });
    assert.deepEqual(podKind.toJson(pod), {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "default" },
      spec: {
        containers: [
          {
            ...container,
            ports: [
              { containerPort: 80, protocol: "TCP" },
              { containerPort: 53, protocol: "UDP" },
            ],
            terminationMessagePath: "/dev/termination-log",
            terminationMessagePolicy: "File",
            imagePullPolicy: "IfNotPresent",
          },
        ],
        restartPolicy: "Always",
        terminationGracePeriodSeconds: 30,
        tolerations: ["not-ready", "unreachable"].map((name) => ({
          key: `node.kubernetes.io/${name}`,
          operator: "Exists",
          effect: "NoExecute",
          tolerationSeconds: 300,
        })),
        dnsPolicy: "ClusterFirst",
        enableServiceLinks: true,
      },
    });
  });

  it("leave what is said, zero included", () => {
    const spec = { containers: [container], restartPolicy: "Never", terminationGracePeriodSeconds: 0, dnsPolicy: "None" };
    const pod = podOf(spec);
    assert.equal(pod.spec?.restartPolicy, "Never");
    assert.equal(pod.spec?.terminationGracePeriodSeconds, 0);
    assert.equal(pod.spec?.dnsPolicy, "None");
  });

  it("change nothing the second time, and never the object itself", () => {
    const pod = deepFreeze(podOf({ containers: [{ ...container, ports: [{ containerPort: 80 }] }] }));
    assert.deepEqual(podKind.withDefaults(pod), pod);
  });

  it("leave the status out", () => {
    const pod = podKind.withDefaults(podKind.fromJson({ spec: { containers: [] }, status: { phase: "Running" } }));
    assert.equal(pod.status, undefined);
  });
});

describe("a pod's rules", () => {
  it("accept a whole pod", () => {
    const pod = podOf(
      {
        containers: [
          {
            ...container,
            command: ["sh", "-c"],
            env: [{ name: "PATH.with-dots", value: "x" }],
            ports: [
              { name: "http", containerPort: 80 },
              { name: "dns", containerPort: 65535, protocol: "UDP" },
            ],
          },
          { name: "side", image: "busybox" },
        ],
        nodeName: "node-1.example.com",
        hostname: "web",
        subdomain: "sub",
        nodeSelector: { "kubernetes.io/hostname": "node-1", constructor: "" },
      },
      { labels: { app: "web", "example.com/part": "Front.1" }, annotations: { "example.com/Any": "any thing" } },
    );
    assert.deepEqual(problemsOf(pod), []);
  });

  const broken: { title: string; spec?: object; metadata?: object; want: string[] }[] = [
    { title: "no containers", spec: { containers: [] }, want: ["spec.containers: Required value"] },
    {
      title: "a container without anything",
      spec: { containers: [{}] },
      want: ["spec.containers[0].name: Required value", "spec.containers[0].image: Required value"],
    },
    {
      title: "two containers of one name",
      spec: { containers: [container, container] },
      want: ['spec.containers[1].name: Duplicate value: "web"'],
    },
    {
      title: "a container's name that is no label",
      spec: { containers: [{ name: "a.b", image: "x" }] },
      want: ['spec.containers[0].name: Invalid value: "a.b": a lowercase RFC 1123 label must'],
    },
    {
      title: "an image with a space in front",
      spec: { containers: [{ name: "a", image: " x" }] },
      want: ['spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace'],
    },
    {
      title: "an unknown pull policy",
      spec: { containers: [{ ...container, imagePullPolicy: "always" }] },
      want: [
        'spec.containers[0].imagePullPolicy: Unsupported value: "always": supported values: "Always", "IfNotPresent", "Never"',
      ],
    },
    {
      title: "ports that are none",
      spec: {
        containers: [
          {
            ...container,
            ports: [
              {},
              { containerPort: 65536, hostPort: -1 },
              { containerPort: 1, protocol: "ICMP" },
              { name: "a-name-that-is-too-long", containerPort: 2 },
              { name: "x", containerPort: 3 },
              { name: "x", containerPort: 4 },
            ],
          },
        ],
      },
      want: [
        "spec.containers[0].ports[0].containerPort: Required value",
        "spec.containers[0].ports[1].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
        "spec.containers[0].ports[1].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive",
        'spec.containers[0].ports[2].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
        'spec.containers[0].ports[3].name: Invalid value: "a-name-that-is-too-long": must be no more than 15 characters',
        'spec.containers[0].ports[5].name: Duplicate value: "x"',
      ],
    },
    {
      title: "variables without a proper name",
      spec: { containers: [{ ...container, env: [{ value: "x" }, { name: "A=B" }, { name: "C", value: "x", valueFrom: {} }] }] },
      want: [
        "spec.containers[0].env[0].name: Required value",
        'spec.containers[0].env[1].name: Invalid value: "A=B": a valid environment variable name must',
        'spec.containers[0].env[2].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        'spec.containers[0].env[2].valueFrom: Invalid value: "": must specify one of: `fieldRef`',
      ],
    },
    {
      title: "wrong words and numbers of the pod itself",
      spec: {
        containers: [container],
        restartPolicy: "Maybe",
        dnsPolicy: "None!",
        terminationGracePeriodSeconds: -1,
        activeDeadlineSeconds: 0,
        nodeName: "Node_1",
        hostname: "a.b",
        subdomain: "a.b",
        nodeSelector: { "a b": "ok" },
      },
      want: [
        'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"',
        'spec.dnsPolicy: Unsupported value: "None!"',
        "spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0",
        "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        'spec.nodeName: Invalid value: "Node_1": a lowercase RFC 1123 subdomain must',
        'spec.hostname: Invalid value: "a.b": a lowercase RFC 1123 label must',
        'spec.subdomain: Invalid value: "a.b": a lowercase RFC 1123 label must',
        'spec.nodeSelector: Invalid value: "a b": name part must',
      ],
    },
    {
      title: "no name",
      metadata: { name: "" },
      want: ["metadata.name: Required value: name or generateName is required"],
    },
    { title: "no namespace", metadata: { namespace: undefined }, want: ["metadata.namespace: Required value"] },
    {
      title: "a namespace that is no label",
      metadata: { namespace: "a.b" },
      want: ['metadata.namespace: Invalid value: "a.b": a lowercase RFC 1123 label must'],
    },
    {
      title: "wrong keys and values in the metadata",
      metadata: {
        name: "Web",
        labels: { "a/b/c": "x", ok: "no spaces please" },
        annotations: { "": "x" },
        finalizers: ["mine", "example.com/mine"],
        ownerReferences: [
          { apiVersion: "v1", kind: "Node", name: "a", uid: "1", controller: true },
          { apiVersion: "v1", kind: "Node", name: "b", controller: true },
        ],
      },
      want: [
        'metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must',
        "metadata.labels: Invalid value: \"a/b/c\": a qualified name has at most one '/'",
        'metadata.labels: Invalid value: "no spaces please": a valid label must',
        'metadata.annotations: Invalid value: "": name part must be non-empty',
        'metadata.ownerReferences[1].uid: Invalid value: "": must not be empty',
        "metadata.ownerReferences: Invalid value: […]: only one reference can have controller set to true, found it in Node/a and Node/b",
        'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
      ],
    },
    {
      title: "annotations that are too big",
      metadata: { annotations: { a: "é".repeat(131_072) } },
      want: ["metadata.annotations: Too long: may not be more than 262144 bytes"],
    },
  ];
  for (const { title, spec = { containers: [container] }, metadata, want } of broken) {
    it(`refuse ${title}`, () => {
      const problems = problemsOf(podOf(spec, metadata));
      assert.equal(problems.length, want.length, problems.join("\n"));
      for (const [i, start] of want.entries()) assert.ok(problems[i]?.startsWith(start), `${problems[i]}\nwanted ${start}`);
    });
  }

  it("let a prefix for generated names end with a dash", () => {
    const spec = { containers: [container] };
    assert.deepEqual(problemsOf(podOf(spec, { name: undefined, generateName: "web-" })), []);
    assert.equal(problemsOf(podOf(spec, { name: undefined, generateName: "Web-" })).length, 1);
  });
});

describe("a pod's update", () => {
  const previousSpec = {
    containers: [{ ...container, env: [{ name: "A", value: "1" }] }],
    tolerations: [{ key: "a", operator: "Exists", tolerationSeconds: 300 }],
  };
  const previous = podOf(previousSpec, { uid: "u1", creationTimestamp: "2026-01-01T00:00:00Z" });
  const update = (spec: object, metadata: object = {}) =>
    podKind.validateUpdate(podOf({ ...previousSpec, ...spec }, metadata), previous).map(formatProblem);

  const allowed: { title: string; spec?: object; metadata?: object }[] = [
    { title: "nothing" },
    { title: "an image", spec: { containers: [{ ...previousSpec.containers[0], image: "nginx:1.28" }] } },
    { title: "labels and annotations", metadata: { labels: { a: "b" }, annotations: { c: "d" } } },
    { title: "tolerations, by adding", spec: { tolerations: [{ key: "b" }, ...previousSpec.tolerations] } },
    {
      title: "how long something is tolerated",
      spec: { tolerations: [{ key: "a", operator: "Exists", tolerationSeconds: 5 }] },
    },
    { title: "the deadline, by setting one", spec: { activeDeadlineSeconds: 10 } },
    { title: "metadata that the control plane sets, by naming it as it is", metadata: { uid: "u1" } },
  ];
  for (const { title, spec = {}, metadata } of allowed)
    it(`may change ${title}`, () => assert.deepEqual(update(spec, metadata), []));

  const refused: { title: string; spec?: object; metadata?: object; want: string }[] = [
    { title: "its node", spec: { nodeName: "node-2" }, want: "this one changes spec.nodeName" },
    { title: "its grace period", spec: { terminationGracePeriodSeconds: 1 }, want: "changes spec.terminationGracePeriodSeconds" },
    {
      title: "a program",
      spec: { containers: [{ ...previousSpec.containers[0], command: ["x"], workingDir: "/" }] },
      want: "changes spec.containers[0].command, spec.containers[0].workingDir",
    },
    {
      title: "the number of containers",
      spec: { containers: [...previousSpec.containers, { name: "b", image: "x" }] },
      want: "spec.containers: Forbidden: pod updates may not add or remove containers",
    },
    {
      title: "tolerations, by removing one",
      spec: { tolerations: [] },
      want: "spec.tolerations: Forbidden: existing toleration",
    },
    { title: "its name", metadata: { name: "b" }, want: 'metadata.name: Invalid value: "b": field is immutable' },
    { title: "its namespace", metadata: { namespace: "b" }, want: 'metadata.namespace: Invalid value: "b": field is immutable' },
    { title: "its uid", metadata: { uid: "u2" }, want: 'metadata.uid: Invalid value: "u2": field is immutable' },
    {
      title: "when it was created",
      metadata: { creationTimestamp: "2027-01-01T00:00:00Z" },
      want: 'metadata.creationTimestamp: Invalid value: "2027-01-01T00:00:00Z": field is immutable',
    },
  ];
  for (const { title, spec = {}, metadata, want } of refused) {
    it(`may not change ${title}`, () => {
      const problems = update(spec, metadata);
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.ok(problems[0]?.includes(want), problems[0]);
    });
  }

  it("may shorten a deadline, not lengthen or remove it", () => {
    const before = podOf({ ...previousSpec, activeDeadlineSeconds: 10 });
    const to = (activeDeadlineSeconds: number | undefined) =>
      podKind.validateUpdate(podOf({ ...previousSpec, activeDeadlineSeconds }), before).map(({ path }) => path);
    assert.deepEqual(to(5), []);
    assert.deepEqual(to(11), ["spec.activeDeadlineSeconds"]);
    assert.deepEqual(to(undefined), ["spec.activeDeadlineSeconds"]);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) deepFreeze(item);
    Object.freeze(value);
  }
  return value;
}

describe("a pod of an older version", () => {
  it("may be updated though it lacks the defaults of today", () => {
    const old = podKind.fromJson({
      metadata: { name: "web", namespace: "default" },
      spec: { containers: [{ name: "a", image: "x" }], restartPolicy: "Always" },
    });
    assert.deepEqual(podKind.validateUpdate(podKind.withDefaults(old), old), []);
  });
});
