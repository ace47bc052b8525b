/* The command line. Each flag has a variable, PODWIRE_… . */

import { type Cidr, parseCidr } from "#core/cidr.ts";
import { invalid, messageOf } from "#core/errors.ts";
import { parseTimeScale } from "#core/time-scale.ts";
import { type FlagSource, readFlags } from "#process/flags.ts";
import { type LogLevel, parseLogLevel } from "#process/log.ts";
import { type MetricsAddress, parseMetricsAddress } from "#process/prometheus.ts";

export interface ControlPlaneOptions {
  readonly cluster: string;
  readonly data: string | undefined;
  readonly socket: string | undefined;
  readonly listen: string | undefined;
  /** Where pods and nodes find what listens there. */
  readonly advertise: string | undefined;
  readonly joinTokenFile: string | undefined;
  readonly userTokenFile: string | undefined;
  readonly podCidr: Cidr;
  readonly nodeCidrPrefix: number;
  readonly serviceCidr: Cidr;
  readonly balancerCidr: Cidr;
  readonly heartbeatTimeoutMs: number;
  readonly timeScale: number;
  readonly metrics: MetricsAddress | undefined;
  readonly logLevel: LogLevel;
}

export const controlPlaneUsage =
  "control-plane: the API, the store, and what decides. Users reach it by --socket, agents by --listen; give one or both.";

export const controlPlaneFlags = {
  cluster: { value: "name", description: "the cluster's name", fallback: "podwire" },
  data: { value: "folder", description: "where the store is kept; in memory where this is absent" },
  socket: { value: "path", description: "a Unix socket for users, for your own user only" },
  listen: { value: "host:port", description: "for agents, and for users with the user token" },
  advertise: {
    value: "host:port",
    description: "where pods find --listen, by the Service kubernetes; --listen itself where that is one address",
  },
  "join-token-file": { value: "file", description: "what agents join with; made where absent" },
  "user-token-file": { value: "file", description: "what users of --listen show; made where absent" },
  "pod-cidr": { value: "cidr", description: "all pods' addresses", fallback: "10.244.0.0/16" },
  "node-cidr-prefix": { value: "length", description: "the length of each node's block of --pod-cidr", fallback: "24" },
  "service-cidr": { value: "cidr", description: "all Services' addresses", fallback: "10.96.0.0/16" },
  "load-balancer-cidr": { value: "cidr", description: "the addresses of LoadBalancers", fallback: "10.97.0.0/24" },
  "heartbeat-timeout": { value: "seconds", description: "a node that is silent for so long is NotReady", fallback: "3" },
  "time-scale": { value: "factor", description: "controllers' timers run so many times as fast", fallback: "1" },
  metrics: { value: "host:port", description: "where Prometheus finds /metrics; nowhere where this is absent" },
  "log-level": { value: "level", description: "how much to log", fallback: "info" },
} as const;

/** Throws an "invalid" AppError that names the flag. */
export function parseControlPlaneOptions(source: FlagSource): ControlPlaneOptions {
  const flags = readFlags(controlPlaneFlags, source);
  if (flags.socket === undefined && flags.listen === undefined) throw invalid("give --socket, --listen, or both");
  return {
    cluster: flags.cluster,
    data: flags.data,
    socket: flags.socket,
    listen: flags.listen,
    advertise: flags.advertise ?? flags.listen,
    joinTokenFile: flags["join-token-file"],
    userTokenFile: flags["user-token-file"],
    podCidr: cidr("pod-cidr", flags["pod-cidr"]),
    nodeCidrPrefix: numberOf("node-cidr-prefix", flags["node-cidr-prefix"], { min: 1, whole: true }),
    serviceCidr: cidr("service-cidr", flags["service-cidr"]),
    balancerCidr: cidr("load-balancer-cidr", flags["load-balancer-cidr"]),
    heartbeatTimeoutMs: numberOf("heartbeat-timeout", flags["heartbeat-timeout"], { min: 0.1, whole: false }) * 1000,
    timeScale: parseTimeScale(flags["time-scale"]),
    metrics: parseMetricsAddress(flags.metrics),
    logLevel: parseLogLevel(flags["log-level"]),
  };
}

function cidr(name: string, text: string): Cidr {
  try {
    return parseCidr(text);
  } catch (error) {
    throw invalid(`--${name}: ${messageOf(error)}`, { cause: error });
  }
}

function numberOf(name: string, text: string, { min, whole }: { readonly min: number; readonly whole: boolean }): number {
  const value = Number(text);
  if (text.trim() === "" || !(whole ? Number.isInteger(value) : Number.isFinite(value)) || value < min) {
    throw invalid(`--${name} "${text}": want ${whole ? "a whole" : "a"} number, at least ${min}`);
  }
  return value;
}
