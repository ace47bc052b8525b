import { parseCapacity } from "#core/capacity.ts";
import { invalid } from "#core/errors.ts";
import { type Ipv4, parseIpv4 } from "#core/ipv4.ts";
import { labelNameProblem, labelValueProblem, qualifiedNameProblem } from "#core/names.ts";
import { type FlagSource, readFlags } from "#process/flags.ts";
import { type LogLevel, parseLogLevel } from "#process/log.ts";
import { type MetricsAddress, parseMetricsAddress } from "#process/prometheus.ts";
import { type DnsOptions, parseDnsOptions } from "./dns/options.ts";

export interface AgentOptions {
  /** The control plane's host:port. */
  readonly server: string;
  readonly nodeName: string;
  /** This node's own address on the network that joins the hosts. */
  readonly nodeAddress: Ipv4;
  readonly overlayPort: number;
  readonly stateDir: string;
  /** What no pod may see. */
  readonly hiddenFolder: string;
  readonly joinTokenFile: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** What the node says that it has, instead of what the machine has; by resource. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly dns: DnsOptions;
  readonly metrics: MetricsAddress | undefined;
  readonly logLevel: LogLevel;
}

export const agentUsage = "node-agent: runs this host's pods and carries their frames to other hosts.";

export const agentFlags = {
  server: { value: "host:port", description: "the control plane", required: true },
  "node-name": { value: "name", description: "this node's name", required: true },
  "node-ip": { value: "address", description: "this node's own address, under which other nodes reach it", required: true },
  "overlay-port": { value: "port", description: "where peers dial", fallback: "7444" },
  state: {
    value: "folder",
    description: "what outlives the agent: its identity and its pods",
    fallback: "/var/lib/podwire/agent",
  },
  hide: { value: "folder", description: "what no pod may see; the folder of --state where it is absent" },
  "join-token-file": { value: "file", description: "the cluster's join token, for a node that is new" },
  "dns-ttl": { value: "seconds", description: "how long others may keep the cluster's names", fallback: "5" },
  "dns-upstream": { value: "address[:port],…", description: "who knows names that are not the cluster's", fallback: "" },
  "dns-stub": { value: "domain=address[:port],…", description: "who knows the names of a domain", fallback: "" },
  labels: { value: "key=value,…", description: "labels of the node", fallback: "" },
  capacity: {
    value: "resource=quantity,…",
    description: "what the node says that it has: cpu, memory, pods; the machine's where it is absent",
    fallback: "",
  },
  metrics: { value: "host:port", description: "where Prometheus finds /metrics; nowhere where this is absent" },
  "log-level": { value: "level", description: "how much to log", fallback: "info" },
} as const;

/** Throws an "invalid" AppError that names the flag. */
export function parseAgentOptions(source: FlagSource): AgentOptions {
  const flags = readFlags(agentFlags, source);
  const nodeName = flags["node-name"];
  const problem = labelNameProblem(nodeName);
  if (problem !== undefined) throw invalid(`--node-name "${nodeName}": ${problem}`);
  return {
    server: flags.server,
    nodeName,
    nodeAddress: parseIpv4(flags["node-ip"]),
    overlayPort: parsePort(flags["overlay-port"]),
    stateDir: flags.state,
    hiddenFolder: flags.hide ?? flags.state,
    joinTokenFile: flags["join-token-file"],
    labels: parseLabels(flags.labels),
    capacity: parseCapacity("--capacity", flags.capacity),
    dns: parseDnsOptions({ ttl: flags["dns-ttl"], upstream: flags["dns-upstream"], stub: flags["dns-stub"] }),
    metrics: parseMetricsAddress(flags.metrics),
    logLevel: parseLogLevel(flags["log-level"]),
  };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > 65_535) throw invalid(`--overlay-port "${text}": want a number from 0 to 65535`);
  return port;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const part of text.split(",").filter((piece) => piece !== "")) {
    const [key = "", value = ""] = part.split("=", 2);
    const problem = qualifiedNameProblem(key) ?? labelValueProblem(value);
    if (problem !== undefined) throw invalid(`--labels "${part}": ${problem}`);
    labels[key] = value;
  }
  return labels;
}
