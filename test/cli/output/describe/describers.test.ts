import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import { findKind } from "#core/objects/kinds.ts";
import { Event } from "#proto/podwire/v1/resources.ts";
import { describeObject } from "../../../../cli/output/describe/describers.ts";
import { assertGolden } from "../../../support/golden.ts";

const nowMs = Date.parse("2026-01-01T01:00:00Z");

interface Around {
  readonly pods?: readonly object[];
  readonly slices?: readonly object[];
  readonly events?: readonly object[];
}

function describeJson(kindName: string, json: object, { pods = [], slices = [], events }: Around = {}): string {
  const kind = findKind(kindName);
  const podKind = findKind("Pod");
  if (kind === undefined || podKind === undefined) throw new Error(`no kind ${kindName}`);
  return describeObject(kind, kind.fromJson(json), {
    related: [...pods.map((pod) => podKind.fromJson(pod)), ...slices.map((slice) => endpointSliceKind.fromJson(slice))],
    events: events?.map((event) => Event.fromJSON(event)),
    nowMs,
  });
}

const happened = [
  {
    type: "Normal",
    reason: "Pulled",
    firstTimestamp: "2026-01-01T00:50:00Z",
    source: { component: "kubelet" },
    message: "present",
  },
  {
    type: "Warning",
    reason: "BackOff",
    message: "Back-off restarting\n",
    count: 5,
    firstTimestamp: "2026-01-01T00:50:30Z",
    lastTimestamp: "2026-01-01T00:59:30Z",
    reportingComponent: "kubelet",
  },
  {
    type: "Normal",
    reason: "Scheduled",
    firstTimestamp: "2026-01-01T00:49:00Z",
    source: { component: "default-scheduler" },
    message: "to node-1",
  },
];

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

const askingPod = {
  metadata: { name: "all", namespace: "default", creationTimestamp: "2026-01-01T00:59:00Z", labels: { app: "x" } },
  spec: {
    initContainers: [
      { name: "once", image: "podwire/toolbox", resources: { requests: { cpu: "1" } } },
      { name: "beside", image: "podwire/toolbox", restartPolicy: "Always", resources: { requests: { cpu: "100m" } } },
    ],
    containers: [
      {
        name: "main",
        image: "podwire/toolbox",
        resources: { requests: { cpu: "0.5", memory: "128Mi" }, limits: { memory: "1Gi" } },
        livenessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 5 },
        readinessProbe: { exec: { command: ["cat", "/ready"] }, initialDelaySeconds: 3, failureThreshold: 2 },
        startupProbe: { grpc: { port: 9000, service: "main" }, timeoutSeconds: 2 },
        envFrom: [{ configMapRef: { name: "settings" } }, { prefix: "P_", secretRef: { name: "password", optional: true } }],
        env: [
          { name: "NAME", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
          { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: "MODE", valueFrom: { configMapKeyRef: { name: "settings", key: "mode" } } },
          { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "password", key: "p", optional: true } } },
          { name: "TWO", value: "lines\nof text" },
        ],
        volumeMounts: [
          { name: "scratch", mountPath: "/scratch" },
          { name: "settings", mountPath: "/etc/mode", subPath: "mode", readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: "scratch", emptyDir: { medium: "Memory", sizeLimit: "10Mi" } },
      { name: "settings", configMap: { name: "settings", items: [{ key: "mode", path: "m" }] } },
      { name: "password", secret: { secretName: "password", optional: true } },
      { name: "host", hostPath: { path: "/var", type: "Directory" } },
    ],
  },
  status: {
    phase: "Pending",
    qosClass: "Burstable",
    initContainerStatuses: [
      {
        name: "once",
        restartCount: 0,
        state: {
          terminated: { exitCode: 0, reason: "Completed", startedAt: "2026-01-01T00:59:01Z", finishedAt: "2026-01-01T00:59:02Z" },
        },
      },
    ],
  },
};

describe("describe", () => {
  it("shows a pod's init containers, probes, sources of variables, volumes and resources", () =>
    assertGolden("cli/describe-whole-pod.txt", describeJson("Pod", askingPod)));

  it("shows a ConfigMap whole, and only the sizes of a Secret's values", () => {
    const metadata = { name: "settings", namespace: "default" };
    const configMap = { metadata, data: { mode: "test", file: "a\n\tb\n" }, binaryData: { bytes: "AAECAw==" } };
    assertGolden("cli/describe-config-map.txt", describeJson("ConfigMap", configMap, { events: [] }));
    const secret = { metadata, type: "Opaque", data: { password: "c2VjcmV0", user: "bWU=" } };
    assertGolden("cli/describe-secret.txt", describeJson("Secret", secret));
  });

  it("shows every field of a kind without a layout of its own", () => {
    const metadata = { name: "web.1", namespace: "default", uid: "u-1", creationTimestamp: "2026-01-01T00:00:00Z" };
    const involvedObject = { kind: "Pod", name: "web", namespace: "default", uid: "u-2" };
    const event = { apiVersion: "v1", kind: "Event", metadata, involvedObject, ...happened[1] };
    assertGolden("cli/describe-event.txt", describeJson("Event", event));
  });

  it("lays a pod out as kubectl does", () =>
    assertGolden("cli/describe-pod.txt", describeJson("Pod", runningPod, { events: happened })));

  it("lays out a pod that waits for a node", () => {
    const pod = {
      metadata: { name: "web", namespace: "default" },
      spec: { containers: [{ name: "main", image: "x" }] },
      status: {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/0 nodes are available" }],
      },
    };
    assertGolden("cli/describe-pending-pod.txt", describeJson("Pod", pod, { events: [] }));
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
        capacity: { pods: "110", cpu: "2", memory: "2Gi" },
        allocatable: { pods: "110", cpu: "2", memory: "2Gi" },
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
    assertGolden("cli/describe-node.txt", describeJson("Node", node, { pods: [runningPod, askingPod, ended], events: [] }));
  });

  it("lays a namespace out", () => {
    const namespace = { metadata: { name: "shop", labels: { team: "a" } }, status: { phase: "Active" } };
    assertGolden("cli/describe-namespace.txt", describeJson("Namespace", namespace));
  });

  it("of a Service shows its addresses, and for each port where it leads", () => {
    const slice = {
      ports: [{ name: "http", port: 8080 }],
      endpoints: [2, 3, 4, 5].map((n) => ({ addresses: [`10.244.0.${n}`], conditions: { ready: n !== 4 } })),
    };
    const service = {
      metadata: { name: "web", namespace: "shop" },
      spec: {
        type: "LoadBalancer",
        selector: { app: "web" },
        clusterIP: "10.96.0.7",
        clusterIPs: ["10.96.0.7"],
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
        ports: [
          { name: "http", port: 80, targetPort: "http", protocol: "TCP", nodePort: 30080 },
          { name: "dns", port: 53, targetPort: 53, protocol: "UDP", nodePort: 30053 },
        ],
        sessionAffinity: "None",
        externalTrafficPolicy: "Local",
        internalTrafficPolicy: "Cluster",
        healthCheckNodePort: 31000,
      },
      status: { loadBalancer: { ingress: [{ ip: "10.97.0.1", ipMode: "VIP" }] } },
    };
    assertGolden("cli/describe-service.txt", describeJson("Service", service, { slices: [slice], events: [] }));
  });

  it("of an EndpointSlice shows each endpoint's conditions and place", () => {
    const endpoint = {
      addresses: ["10.244.0.2"],
      conditions: { ready: false, serving: true, terminating: true },
      targetRef: { kind: "Pod", name: "web-1" },
      nodeName: "node-1",
      zone: "a",
      hints: { forZones: [{ name: "a" }] },
    };
    const metadata = { name: "web-x7k2p", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } };
    const slice = { metadata, addressType: "IPv4", ports: [{ name: "", port: 8080, protocol: "TCP" }], endpoints: [endpoint] };
    assertGolden("cli/describe-endpoint-slice.txt", describeJson("EndpointSlice", slice, { events: [] }));
  });

  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "web", image: "a:1", ports: [{ containerPort: 80, protocol: "TCP" }] }] },
  };
  const metadata = { name: "web", namespace: "shop", uid: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  const selector = { matchLabels: { app: "web" } };
  const ofWorkload = (phase: string) => ({
    metadata: { name: `web-${phase}`, ownerReferences: [{ uid: "1", controller: true }] },
    status: { phase },
  });
  const stranger = { metadata: { name: "other" }, status: { phase: "Running" } };

  it("of a StatefulSet shows its pods' states and its template", () => {
    const spec = { replicas: 3, selector, template, updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } } };
    const pods = [ofWorkload("Running"), ofWorkload("Pending"), stranger];
    const set = { metadata, spec, status: { replicas: 2 } };
    assertGolden("cli/describe-stateful-set.txt", describeJson("StatefulSet", set, { pods, events: [] }));
  });

  it("of a DaemonSet counts nodes", () => {
    const status = { desiredNumberScheduled: 3, currentNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 1 };
    const set = { metadata, spec: { selector, template }, status };
    assertGolden("cli/describe-daemon-set.txt", describeJson("DaemonSet", set, { pods: [ofWorkload("Running")], events: [] }));
  });

  it("of a Job says how far it is", () => {
    const spec = {
      ...{ parallelism: 2, completions: 4, completionMode: "Indexed", backoffLimit: 6, selector, template },
      ...{ activeDeadlineSeconds: 60, ttlSecondsAfterFinished: 30 },
    };
    const status = {
      ...{ active: 1, ready: 1, succeeded: 3, failed: 1, completedIndexes: "0-2" },
      ...{ startTime: "2026-01-01T00:00:00Z", completionTime: "2026-01-01T00:01:30Z" },
    };
    assertGolden("cli/describe-job.txt", describeJson("Job", { metadata, spec, status }, { events: [] }));
  });

  it("of a PodDisruptionBudget says what it allows", () => {
    const status = { disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 };
    const budget = { metadata, spec: { minAvailable: 2, selector }, status };
    assertGolden("cli/describe-pod-disruption-budget.txt", describeJson("PodDisruptionBudget", budget, { events: [] }));
  });
});
