import type { HTTPGetAction, Probe } from "#proto/podwire/v1/resources.ts";

/** `http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3` */
export function probeText(probe: Probe): string {
  const { initialDelaySeconds = 0, timeoutSeconds = 1, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe;
  const times = `delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s period=${periodSeconds}s`;
  return `${actionText(probe)} ${times} #success=${successThreshold} #failure=${failureThreshold}`;
}

function actionText({ exec, httpGet, tcpSocket, grpc }: Probe): string {
  if (exec !== undefined) return `exec [${exec.command.join(" ")}]`;
  if (httpGet !== undefined) return `http-get ${urlOf(httpGet)}`;
  if (tcpSocket !== undefined) return `tcp-socket ${tcpSocket.host ?? ""}:${portText(tcpSocket.port)}`;
  if (grpc !== undefined) return `grpc <pod>:${grpc.port ?? 0} ${grpc.service ?? ""}`;
  return "unknown";
}

function urlOf({ scheme = "HTTP", host = "", port, path = "" }: HTTPGetAction): string {
  return `${scheme.toLowerCase()}://${host}:${portText(port)}${path.startsWith("/") || path === "" ? path : `/${path}`}`;
}

/** A number or a port's name. */
function portText(port: unknown): string {
  return typeof port === "number" || typeof port === "string" ? String(port) : "";
}
