import { findKind } from "#core/objects/kinds.ts";
import { describeObject } from "../../../../cli/output/describe/describers.ts";
import { assertGolden } from "../../../support/golden.ts";

const nowMs = Date.parse("2026-01-01T01:00:00Z");

function describeJson(kindName: string, json: object, related: readonly object[] = []): string {
  const kind = findKind(kindName);
  const podKind = findKind("Pod");
  if (kind === undefined || podKind === undefined) throw new Error(`no kind ${kindName}`);
  return describeObject(kind, kind.fromJson(json), { related: related.map((pod) => podKind.fromJson(pod)), nowMs });
}

const runningPod = {
  metadata: {
    name: "web",
    namespace: "shop",
    labels: { tier: "front", app: "web" },
    annotations: { note: "two\nlines", "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  spec: {
    nodeName: "node-1",
    nodeSelector: { disk: "ssd" },
    volumes: [{ name: "data", emptyDir: {} }],
    tolerations: [
      { key: "gpu", operator: "Exists", effect: "NoSchedule" },
      { key: "a", value: "b", effect: "NoExecute", tolerationSeconds: 300 },
    ],
    containers: [
      {
        name: "main",
        image: "podwire/toolbox",
        command: ["sh", "-c", "echo a\nsleep inf"],
        args: ["x"],
        ports: [
          { name: "http", containerPort: 8080, protocol: "TCP" },
          { containerPort: 53, protocol: "UDP" },
        ],
        env: [
          { name: "MODE", value: "test" },
          { name: "FROM", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        ],
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      },
      { name: "side", image: "podwire/toolbox" },
    ],
  },
  status: {
    phase: "Running",
    podIP: "10.244.1.2",
    podIPs: [{ ip: "10.244.1.2" }],
    hostIP: "172.18.0.2",
    startTime: "2026-01-01T00:00:01Z",
    qosClass: "BestEffort",
    conditions: [
      { type: "Ready", status: "False", reason: "ContainersNotReady", message: "containers with unready status: [side]" },
      { type: "PodScheduled", status: "True" },
    ],
    containerStatuses: [
      {
        name: "main",
        ready: true,
        restartCount: 2,
        containerID: "podwire://abc",
        state: { running: { startedAt: "2026-01-01T00:30:00Z" } },
        lastState: {
          terminated: {
            reason: "Error",
            exitCode: 137,
            signal: 9,
            startedAt: "2026-01-01T00:10:00Z",
            finishedAt: "2026-01-01T00:29:50Z",
          },
        },
      },
      { name: "side", ready: false, restartCount: 0, state: { waiting: { reason: "ErrImagePull", message: "set a command" } } },
    ],
  },
};

describe("describe", () => {
  it("lays a pod out as kubectl does", () => assertGolden("cli/describe-pod.txt", describeJson("Pod", runningPod)));

  it("lays out a pod that waits for a node", () => {
    const pod = {
      metadata: { name: "web", namespace: "default" },
      spec: { containers: [{ name: "main", image: "x" }] },
      status: {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/0 nodes are available" }],
      },
    };
    assertGolden("cli/describe-pending-pod.txt", describeJson("Pod", pod));
  });

  it("lays a node out with the pods that run on it", () => {
    const node = {
      metadata: { name: "node-1", labels: { zone: "a" }, creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: {
        podCIDR: "10.244.1.0/24",
        podCIDRs: ["10.244.1.0/24"],
        taints: [{ key: "gpu", effect: "NoSchedule" }],
        unschedulable: true,
      },
      status: {
        capacity: { pods: "110", cpu: "2" },
        allocatable: { pods: "110", cpu: "2" },
        addresses: [
          { type: "InternalIP", address: "172.18.0.2" },
          { type: "Hostname", address: "node-1" },
        ],
        conditions: [
          {
            type: "Ready",
            status: "True",
            reason: "KubeletReady",
            message: "ready",
            lastTransitionTime: "2026-01-01T00:00:01Z",
          },
        ],
        nodeInfo: { kubeletVersion: "v0.1.0", kernelVersion: "6.1.0", osImage: "Debian", architecture: "amd64" },
      },
    };
    const ended = { metadata: { name: "job", namespace: "shop" }, spec: { containers: [] }, status: { phase: "Succeeded" } };
    assertGolden("cli/describe-node.txt", describeJson("Node", node, [runningPod, ended]));
  });

  it("lays a namespace out", () => {
    const namespace = { metadata: { name: "shop", labels: { team: "a" } }, status: { phase: "Active" } };
    assertGolden("cli/describe-namespace.txt", describeJson("Namespace", namespace));
  });
});
