import assert from "node:assert/strict";
import { findKind } from "#core/objects/kinds.ts";
import { type Layout, rowFor, titlesFor } from "../../../cli/output/columns.ts";

const nowMs = Date.parse("2026-01-01T00:10:00Z");
const narrow: Layout = { wide: false, withNamespace: false, withKind: false, showLabels: false, labelColumns: [] };

function row(kindName: string, json: object, layout: Partial<Layout> = {}): readonly string[] {
  const kind = findKind(kindName);
  assert.ok(kind);
  const object = kind.fromJson({ apiVersion: "v1", kind: kind.kind, ...json });
  return rowFor(kind, object, { ...narrow, ...layout, nowMs });
}

const created = { creationTimestamp: "2026-01-01T00:00:00Z" };
const running = { name: "main", ready: true, restartCount: 0, state: { running: {} } };
const ended = (reason: string | undefined, more: object = {}) => ({
  name: "main",
  ready: false,
  restartCount: 0,
  state: { terminated: { reason, ...more } },
});

describe("the row of a pod", () => {
  const spec = { containers: [{ name: "main" }] };
  const two = { containers: [{ name: "main" }, { name: "side" }] };
  const gone = { deletionTimestamp: "2026-01-01T00:09:00Z" };
  const cases: readonly { why: string; pod: { metadata?: object; spec?: object; status: object }; want: readonly string[] }[] = [
    { why: "has no status yet", pod: { status: { phase: "Pending" } }, want: ["0/1", "Pending", "0"] },
    { why: "runs", pod: { status: { phase: "Running", containerStatuses: [running] } }, want: ["1/1", "Running", "0"] },
    {
      why: "runs but isn't ready",
      pod: { status: { phase: "Running", containerStatuses: [{ ...running, ready: false }] } },
      want: ["0/1", "Running", "0"],
    },
    {
      why: "waits for the next try",
      pod: {
        status: {
          phase: "Running",
          containerStatuses: [
            {
              name: "main",
              restartCount: 3,
              state: { waiting: { reason: "CrashLoopBackOff" } },
              lastState: { terminated: { finishedAt: "2026-01-01T00:07:57Z" } },
            },
          ],
        },
      },
      want: ["0/1", "CrashLoopBackOff", "3 (2m3s ago)"],
    },
    {
      why: "has no image",
      pod: {
        status: { phase: "Pending", containerStatuses: [{ name: "main", state: { waiting: { reason: "ErrImagePull" } } }] },
      },
      want: ["0/1", "ErrImagePull", "0"],
    },
    {
      why: "has ended well",
      pod: { status: { phase: "Succeeded", containerStatuses: [ended("Completed")] } },
      want: ["0/1", "Completed", "0"],
    },
    { why: "has failed", pod: { status: { phase: "Failed", containerStatuses: [ended("Error")] } }, want: ["0/1", "Error", "0"] },
    {
      why: "ended without a reason",
      pod: { status: { phase: "Failed", containerStatuses: [ended(undefined, { exitCode: 3 })] } },
      want: ["0/1", "ExitCode:3", "0"],
    },
    {
      why: "was ended by a signal without a reason",
      pod: { status: { phase: "Failed", containerStatuses: [ended(undefined, { signal: 9 })] } },
      want: ["0/1", "Signal:9", "0"],
    },
    {
      why: "has one container that completed and one that runs",
      pod: {
        spec: two,
        status: {
          phase: "Running",
          conditions: [{ type: "Ready", status: "True" }],
          containerStatuses: [ended("Completed"), { ...running, name: "side" }],
        },
      },
      want: ["1/2", "Running", "0"],
    },
    {
      why: "is such a pod, and not Ready",
      pod: { spec: two, status: { phase: "Running", containerStatuses: [ended("Completed"), { ...running, name: "side" }] } },
      want: ["1/2", "NotReady", "0"],
    },
    {
      why: "is being deleted",
      pod: { metadata: gone, status: { phase: "Running", containerStatuses: [running] } },
      want: ["1/1", "Terminating", "0"],
    },
    {
      why: "has ended and is being deleted",
      pod: { metadata: gone, status: { phase: "Succeeded", containerStatuses: [ended("Completed")] } },
      want: ["0/1", "Completed", "0"],
    },
    {
      why: "is being deleted on a node that is lost",
      pod: { metadata: gone, status: { phase: "Running", reason: "NodeLost" } },
      want: ["0/1", "Unknown", "0"],
    },
    { why: "was evicted", pod: { status: { phase: "Failed", reason: "Evicted" } }, want: ["0/1", "Evicted", "0"] },
  ];
  for (const { why, pod, want } of cases) {
    it(`that ${why} says ${want[1]}`, () => {
      const metadata = { name: "web", namespace: "default", ...created, ...pod.metadata };
      assert.deepEqual(row("Pod", { spec, ...pod, metadata }), ["web", ...want, "10m"]);
    });
  }

  it("has address and node in wide tables", () => {
    const pod = {
      metadata: { name: "web", ...created },
      spec: { ...spec, nodeName: "node-1" },
      status: { phase: "Running", podIPs: [{ ip: "10.244.0.2" }] },
    };
    assert.deepEqual(row("Pod", pod, { wide: true }).slice(5), ["10.244.0.2", "node-1", "<none>", "<none>"]);
    assert.deepEqual(row("Pod", { metadata: { name: "web" }, spec }, { wide: true }).slice(5), [
      "<none>",
      "<none>",
      "<none>",
      "<none>",
    ]);
  });
});

describe("the row of a node", () => {
  const cases: readonly (readonly [why: string, node: object, want: readonly string[]])[] = [
    ["is ready", { status: { conditions: [{ type: "Ready", status: "True" }] } }, ["Ready", "<none>"]],
    ["is silent", { status: { conditions: [{ type: "Ready", status: "Unknown" }] } }, ["NotReady", "<none>"]],
    ["never spoke", {}, ["Unknown", "<none>"]],
    [
      "is cordoned",
      { spec: { unschedulable: true }, status: { conditions: [{ type: "Ready", status: "True" }] } },
      ["Ready,SchedulingDisabled", "<none>"],
    ],
  ];
  for (const [why, node, want] of cases) {
    it(`that ${why} says ${want[0]}`, () => {
      assert.deepEqual(row("Node", { metadata: { name: "node-1", ...created }, ...node }), ["node-1", ...want, "10m", ""]);
    });
  }

  it("has addresses, system and pod CIDR in wide tables", () => {
    const node = {
      metadata: { name: "node-1", labels: { "node-role.kubernetes.io/worker": "" } },
      spec: { podCIDRs: ["10.244.3.0/24"] },
      status: {
        addresses: [{ type: "InternalIP", address: "172.18.0.2" }],
        nodeInfo: {
          kubeletVersion: "v0.1.0",
          osImage: "Debian",
          kernelVersion: "6.1",
          containerRuntimeVersion: "podwire://0.1.0",
        },
      },
    };
    const want = [
      "node-1",
      "Unknown",
      "worker",
      "<unknown>",
      "v0.1.0",
      "172.18.0.2",
      "<none>",
      "Debian",
      "6.1",
      "podwire://0.1.0",
      "10.244.3.0/24",
    ];
    assert.deepEqual(row("Node", node, { wide: true }), want);
  });
});

describe("a row", () => {
  it("begins with the namespace, names the kind and ends with the labels where the layout says so", () => {
    const pod = { metadata: { name: "web", namespace: "shop", labels: { b: "2", a: "1" }, ...created } };
    const layout = { withNamespace: true, withKind: true, showLabels: true };
    assert.deepEqual(row("Pod", pod, layout), ["shop", "pod/web", "0/0", "", "0", "10m", "a=1,b=2"]);
    const kind = findKind("Pod");
    assert.ok(kind);
    assert.deepEqual(titlesFor(kind, { ...narrow, ...layout }), [
      "NAMESPACE",
      "NAME",
      "READY",
      "STATUS",
      "RESTARTS",
      "AGE",
      "LABELS",
    ]);
  });

  it("says <none> for no labels", () => {
    assert.deepEqual(row("Namespace", { metadata: { name: "x" }, status: { phase: "Active" } }, { showLabels: true }), [
      "x",
      "Active",
      "<unknown>",
      "<none>",
    ]);
  });
});

describe("the row of a workload", () => {
  const template = {
    spec: {
      containers: [
        { name: "web", image: "a:1" },
        { name: "side", image: "b:2" },
      ],
    },
  };
  const metadata = { name: "web", ...created };
  const selector = { matchLabels: { app: "web" } };
  const cases: readonly { kind: string; why: string; object: object; want: readonly string[] }[] = [
    {
      kind: "StatefulSet",
      why: "says how many pods are ready of those that are wanted",
      object: { spec: { replicas: 3, template }, status: { readyReplicas: 2 } },
      want: ["web", "2/3", "10m", "web,side", "a:1,b:2"],
    },
    {
      kind: "DaemonSet",
      why: "counts nodes",
      object: {
        spec: { selector, template: { spec: { ...template.spec, nodeSelector: { disk: "ssd" } } } },
        status: {
          ...{ desiredNumberScheduled: 5, currentNumberScheduled: 4, numberReady: 3 },
          ...{ updatedNumberScheduled: 2, numberAvailable: 1 },
        },
      },
      want: ["web", "5", "4", "3", "2", "1", "disk=ssd", "10m", "web,side", "a:1,b:2", "app=web"],
    },
    {
      kind: "Job",
      why: "says how long it took",
      object: {
        spec: { completions: 2, selector, template },
        status: {
          ...{ succeeded: 2, startTime: "2026-01-01T00:00:01Z", completionTime: "2026-01-01T00:01:01Z" },
          conditions: [{ type: "Complete", status: "True" }],
        },
      },
      want: ["web", "Complete", "2/2", "60s", "10m", "web,side", "a:1,b:2", "app=web"],
    },
    {
      kind: "Job",
      why: "says how long it has run, and how many workers are on its queue",
      object: { spec: { parallelism: 4, selector, template }, status: { startTime: "2026-01-01T00:09:00Z" } },
      want: ["web", "Running", "0/1 of 4", "60s", "10m", "web,side", "a:1,b:2", "app=web"],
    },
    {
      kind: "Job",
      why: "says that it waits",
      object: { spec: { completions: 1, selector, template }, status: { conditions: [{ type: "Suspended", status: "True" }] } },
      want: ["web", "Suspended", "0/1", "", "10m", "web,side", "a:1,b:2", "app=web"],
    },
    {
      kind: "PodDisruptionBudget",
      why: "says what may be missing",
      object: { spec: { minAvailable: "50%" }, status: { disruptionsAllowed: 2 } },
      want: ["web", "50%", "N/A", "2", "10m"],
    },
  ];
  for (const { kind, why, object, want } of cases) {
    it(`of kind ${kind} ${why}`, () => assert.deepEqual(row(kind, { metadata, ...object }, { wide: true }), want));
  }
});
