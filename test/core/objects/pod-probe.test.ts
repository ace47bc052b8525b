import assert from "node:assert/strict";
import { podKind } from "#core/objects/pod.ts";
import { c, checkRules, withContainer } from "./pod-rules.ts";

const exec = { exec: { command: ["true"] } };

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

  checkRules([
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
  checkRules([
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
