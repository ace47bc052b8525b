import { Command, Option } from "commander";
import { invalid } from "#core/errors.ts";
import { type Ipv4, parseIpv4 } from "#core/ipv4.ts";
import { labelNameProblem, labelValueProblem, qualifiedNameProblem } from "#core/names.ts";
import { type LogLevel, logLevels } from "#process/log.ts";

export interface AgentOptions {
  /** The control plane's host:port. */
  readonly server: string;
  readonly nodeName: string;
  /** This node's own address on the network that joins the hosts. */
  readonly nodeAddress: Ipv4;
  readonly overlayPort: number;
  readonly stateDir: string;
  readonly joinTokenFile: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly logLevel: LogLevel;
}

/** Reads flags; each may come from a PODWIRE_ variable. Throws an "invalid" AppError. */
export function parseAgentOptions(argv: readonly string[]): AgentOptions {
  const command = new Command("node-agent")
    .description("Podwire's node agent: runs this host's pods and carries their frames to other hosts.")
    .addOption(option("--server <host:port>", "the control plane", "PODWIRE_SERVER").makeOptionMandatory())
    .addOption(option("--node-name <name>", "this node's name", "PODWIRE_NODE_NAME").makeOptionMandatory())
    .addOption(
      option(
        "--node-ip <address>",
        "this node's own address, under which other nodes reach it",
        "PODWIRE_NODE_IP",
      ).makeOptionMandatory(),
    )
    .addOption(option("--overlay-port <port>", "where peers dial", "PODWIRE_OVERLAY_PORT").default("7444"))
    .addOption(
      option("--state <folder>", "what outlives the agent: its identity and its pods", "PODWIRE_STATE").default(
        "/var/lib/podwire/agent",
      ),
    )
    .addOption(option("--join-token-file <file>", "the cluster's join token, for a node that is new", "PODWIRE_JOIN_TOKEN_FILE"))
    .addOption(option("--labels <key=value,…>", "labels of the node", "PODWIRE_LABELS").default(""))
    .addOption(
      option("--log-level <level>", "how much to log", "PODWIRE_LOG_LEVEL")
        .choices([...logLevels])
        .default("info"),
    );
  command.parse([...argv], { from: "user" });
  const flags = command.opts<Record<string, string | undefined>>();
  const nodeName = flags.nodeName ?? "";
  const problem = labelNameProblem(nodeName);
  if (problem !== undefined) throw invalid(`--node-name "${nodeName}": ${problem}`);
  return {
    server: flags.server ?? "",
    nodeName,
    nodeAddress: parseIpv4(flags.nodeIp ?? ""),
    overlayPort: parsePort(flags.overlayPort ?? ""),
    stateDir: flags.state ?? "",
    joinTokenFile: flags.joinTokenFile,
    labels: parseLabels(flags.labels ?? ""),
    logLevel: flags.logLevel as LogLevel,
  };
}

function option(flags: string, description: string, variable: string): Option {
  return new Option(flags, description).env(variable);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalid(`"${text}" is not a port (want a number from 0 to 65535)`);
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
