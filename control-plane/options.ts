/* The command line. Each flag has a variable, PODWIRE_… . */

import { Command, InvalidArgumentError, Option } from "commander";
import { type Cidr, parseCidr } from "#core/cidr.ts";
import { messageOf } from "#core/errors.ts";
import { type LogLevel, logLevels } from "#process/log.ts";

export interface Flags {
  readonly cluster: string;
  readonly data?: string;
  readonly socket?: string;
  readonly listen?: string;
  readonly joinTokenFile?: string;
  readonly userTokenFile?: string;
  readonly podCidr: Cidr;
  readonly nodeCidrPrefix: number;
  readonly serviceCidr: Cidr;
  /** Seconds. */
  readonly heartbeatTimeout: number;
  readonly logLevel: LogLevel;
}

/** Prints what is wrong and ends the process where the command line is not right. */
export function readFlags(argv: readonly string[]): Flags {
  const command = new Command("control-plane")
    .description("Podwire's control plane: the API, the store, and what decides. Users reach it by --socket, agents by --listen.")
    .addOption(new Option("--cluster <name>", "the cluster's name").env("PODWIRE_CLUSTER").default("podwire"))
    .addOption(new Option("--data <directory>", "where the store is kept; in memory where this is absent").env("PODWIRE_DATA"))
    .addOption(new Option("--socket <path>", "a Unix socket for users, for your own user only").env("PODWIRE_SOCKET"))
    .addOption(new Option("--listen <host:port>", "for agents, and for users with the user token").env("PODWIRE_LISTEN"))
    .addOption(new Option("--join-token-file <file>", "what agents join with; made where absent").env("PODWIRE_JOIN_TOKEN_FILE"))
    .addOption(
      new Option("--user-token-file <file>", "what users of --listen show; made where absent").env("PODWIRE_USER_TOKEN_FILE"),
    )
    .addOption(cidrOption("--pod-cidr <cidr>", "all pods' addresses", "10.244.0.0/16").env("PODWIRE_POD_CIDR"))
    .addOption(
      numberOption("--node-cidr-prefix <length>", "the length of each node's block of --pod-cidr", 24, {
        min: 1,
        whole: true,
      }).env("PODWIRE_NODE_CIDR_PREFIX"),
    )
    .addOption(cidrOption("--service-cidr <cidr>", "all Services' addresses", "10.96.0.0/16").env("PODWIRE_SERVICE_CIDR"))
    .addOption(
      numberOption("--heartbeat-timeout <seconds>", "a node that is silent for so long is NotReady", 3, { min: 0.1 }).env(
        "PODWIRE_HEARTBEAT_TIMEOUT",
      ),
    )
    .addOption(new Option("--log-level <level>", "how much to log").choices(logLevels).env("PODWIRE_LOG_LEVEL").default("info"))
    .parse([...argv], { from: "user" });
  const flags = command.opts<Flags>();
  if (flags.socket === undefined && flags.listen === undefined) command.error("error: give --socket, --listen, or both");
  return flags;
}

function cidrOption(flags: string, description: string, fallback: string): Option {
  return new Option(flags, description).default(parseCidr(fallback), fallback).argParser((text) => {
    try {
      return parseCidr(text);
    } catch (error) {
      throw new InvalidArgumentError(messageOf(error));
    }
  });
}

function numberOption(
  flags: string,
  description: string,
  fallback: number,
  { min, whole = false }: { readonly min: number; readonly whole?: boolean },
): Option {
  return new Option(flags, description).default(fallback).argParser((text) => {
    const value = Number(text);
    if (text.trim() === "" || !(whole ? Number.isInteger(value) : Number.isFinite(value)) || value < min) {
      throw new InvalidArgumentError(`It must be ${whole ? "a whole" : "a"} number, at least ${min}.`);
    }
    return value;
  });
}
