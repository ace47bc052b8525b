/* The question of gRPC's health protocol (https://github.com/grpc/grpc/blob/master/doc/health-checking.md), of a server that is not
 * ours. The two messages have one field each, too little to generate code for. */

import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";

export interface HealthQuestion {
  /** `HOST:PORT`, without TLS. */
  readonly address: string;
  /** Empty for the server as a whole. */
  readonly service: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type Health = "UNKNOWN" | "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";

const healthByNumber: readonly Health[] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** Rejects where there was no answer; the message says why. */
export function checkHealth({ address, service, timeoutMs, signal }: HealthQuestion): Promise<Health> {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.enable_http_proxy": 0,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.primary_user_agent": "kube-probe/podwire",
  });
  const seconds = timeoutMs / 1000;
  return new Promise<Health>((resolve, reject) => {
    const call = client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      encodeRequest,
      decodeResponse,
      service,
      { deadline: Date.now() + timeoutMs },
      (error, health) => {
        signal.removeEventListener("abort", cancel);
        if (error === null) resolve(health ?? "UNKNOWN");
        else reject(new Error(explain(error, address, seconds)));
      },
    );
    const cancel = () => call.cancel();
    signal.addEventListener("abort", cancel, { once: true });
  }).finally(() => client.close());
}

function explain({ code, details }: ServiceError, address: string, seconds: number): string {
  switch (code) {
    case status.UNAVAILABLE:
      return `timeout: failed to connect service "${address}" within ${seconds}s: ${details}`;
    case status.DEADLINE_EXCEEDED:
      return `timeout: health rpc did not complete within ${seconds}s`;
    case status.UNIMPLEMENTED:
      return "this server does not implement the grpc health protocol (grpc.health.v1.Health)";
    default:
      return `error: health rpc failed: ${details}`;
  }
}

/** Field 1, a string. */
function encodeRequest(service: string): Buffer {
  const text = Buffer.from(service);
  if (text.length === 0) return text;
  const length: number[] = [];
  for (let rest = text.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      length.push(rest);
      break;
    }
    length.push((rest & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), text]);
}

/** Field 1, an enumeration; absent where it is 0. */
function decodeResponse(message: Buffer): Health {
  const [tag, value = 0] = message;
  return (tag === 0x08 ? healthByNumber[value] : undefined) ?? "UNKNOWN";
}
