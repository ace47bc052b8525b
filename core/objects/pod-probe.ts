/* The rules of probes and of what a container does when it starts and ends. */

import type {
  Container,
  ExecAction,
  GRPCAction,
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  Probe,
  SleepAction,
  TCPSocketAction,
} from "#proto/podwire/v1/resources.ts";
import { portNameProblem } from "../names.ts";
import type { Problem } from "./kind.ts";
import { forbidden, invalidValue, outside, required, unless, unsupported } from "./problem.ts";

const schemes = ["HTTP", "HTTPS"];
const portRange = { min: 1, max: 65535 };

export function probeWithDefaults(probe: Probe): Probe {
  return {
    ...handlerWithDefaults(probe),
    ...(probe.grpc === undefined ? {} : { grpc: { ...probe.grpc, service: probe.grpc.service ?? "" } }),
    timeoutSeconds: probe.timeoutSeconds || 1,
    periodSeconds: probe.periodSeconds || 10,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
}

export function lifecycleWithDefaults({ postStart, preStop }: Lifecycle): Lifecycle {
  return {
    postStart: postStart && handlerWithDefaults(postStart),
    preStop: preStop && handlerWithDefaults(preStop),
  };
}

function handlerWithDefaults<T extends { readonly httpGet?: HTTPGetAction | undefined }>(handler: T): T {
  const { httpGet } = handler;
  if (httpGet === undefined) return handler;
  return { ...handler, httpGet: { ...httpGet, path: httpGet.path || "/", scheme: httpGet.scheme || "HTTP" } };
}

/** Those of a container that may be probed. */
export function validateProbes(container: Container, path: string): Problem[] {
  return (["livenessProbe", "readinessProbe", "startupProbe"] as const).flatMap((name) => {
    const probe = container[name];
    if (probe === undefined) return [];
    const problems = validateProbe(probe, `${path}.${name}`);
    const grace = probe.terminationGracePeriodSeconds;
    if (name === "readinessProbe") {
      if (grace !== undefined) {
        problems.push(
          invalidValue(`${path}.${name}.terminationGracePeriodSeconds`, grace, "must not be set for readinessProbes"),
        );
      }
    } else if (probe.successThreshold !== 1) {
      problems.push(invalidValue(`${path}.${name}.successThreshold`, probe.successThreshold, "must be 1"));
    }
    return problems;
  });
}

const counts = ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] as const;

function validateProbe(probe: Probe, path: string): Problem[] {
  const grace = probe.terminationGracePeriodSeconds;
  return [
    ...validateHandler(probe, path),
    ...counts.flatMap((field) => outside(`${path}.${field}`, probe[field], { min: 0 })),
    ...(grace !== undefined && grace <= 0
      ? [invalidValue(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than 0")]
      : []),
  ];
}

export function validateLifecycle({ postStart, preStop }: Lifecycle, path: string, graceSeconds: number): Problem[] {
  return [
    ...validateHook(postStart, `${path}.postStart`, graceSeconds),
    ...validateHook(preStop, `${path}.preStop`, graceSeconds),
  ];
}

function validateHook(hook: LifecycleHandler | undefined, path: string, graceSeconds: number): Problem[] {
  if (hook === undefined) return [];
  const problems = validateHandler(hook, path);
  const seconds = hook.sleep?.seconds ?? 0;
  if (hook.sleep !== undefined && (seconds < 0 || seconds > graceSeconds)) {
    const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
    problems.push(invalidValue(`${path}.sleep.seconds`, seconds, why));
  }
  return problems;
}

interface Handler {
  readonly exec?: ExecAction | undefined;
  readonly httpGet?: HTTPGetAction | undefined;
  readonly tcpSocket?: TCPSocketAction | undefined;
  readonly grpc?: GRPCAction | undefined;
  readonly sleep?: SleepAction | undefined;
}

const handlers = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;

function validateHandler(handler: Handler, path: string): Problem[] {
  const [first, ...others] = handlers.filter((name) => handler[name] !== undefined);
  if (first === undefined) return [required(path, "must specify a handler type")];
  const { exec, httpGet, tcpSocket, grpc } = handler;
  return [
    ...others.map((name) => forbidden(`${path}.${name}`, "may not specify more than 1 handler type")),
    ...(exec !== undefined && exec.command.length === 0 ? [required(`${path}.exec.command`)] : []),
    ...(httpGet === undefined ? [] : validateHttpGet(httpGet, `${path}.httpGet`)),
    ...(tcpSocket === undefined ? [] : validatePort(tcpSocket.port, `${path}.tcpSocket.port`)),
    ...(grpc === undefined ? [] : validatePort(grpc.port, `${path}.grpc.port`)),
  ];
}

function validateHttpGet({ port, scheme = "", httpHeaders }: HTTPGetAction, path: string): Problem[] {
  return [
    ...validatePort(port, `${path}.port`),
    ...(schemes.includes(scheme) ? [] : [unsupported(`${path}.scheme`, scheme, schemes)]),
    ...httpHeaders.flatMap(({ name = "" }) =>
      /^[-A-Za-z0-9]+$/.test(name)
        ? []
        : [
            invalidValue(
              `${path}.httpHeaders`,
              name,
              "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name')",
            ),
          ],
    ),
  ];
}

/** A number, or the name of one of the container's ports. */
function validatePort(port: unknown, path: string): Problem[] {
  if (typeof port === "string") {
    return port === "" ? [invalidValue(path, port, "must be non-empty")] : unless(path, port, portNameProblem(port));
  }
  if (port === undefined || port === null) return [required(path)];
  if (!Number.isInteger(port)) return [invalidValue(path, port, "must be an integer or the name of a port")];
  return outside(path, port as number, portRange);
}
