/* The flags that every verb has. Each has an environment variable, which it outranks. */

import { type Command, Option } from "commander";
import type { Environment } from "#process/cluster-paths.ts";
import { integerFlag, parseDuration } from "./duration.ts";
import { badFlag } from "./usage-error.ts";

export interface GlobalFlags {
  /** Which of this machine's clusters. */
  readonly cluster: string | undefined;
  /** `HOST:PORT` or `unix:PATH`. */
  readonly server: string | undefined;
  readonly tokenFile: string | undefined;
  /** "default" where nobody named one. */
  readonly namespace: string;
  /** Whether the user named the namespace. */
  readonly namespaceGiven: boolean;
  /** 0: none. */
  readonly requestTimeoutMs: number;
  /** 0: quiet; above: every call is shown. */
  readonly verbosity: number;
}

interface RawGlobals {
  readonly cluster?: string;
  readonly server?: string;
  readonly tokenFile?: string;
  readonly namespace?: string;
  readonly requestTimeout?: string;
  readonly v?: number;
}

const heading = "Global Flags:";

export function declareGlobalFlags(command: Command): void {
  const flags = [
    new Option("--cluster <name>", "which cluster of this machine; the only one where it is absent (PODWIRE_CLUSTER)"),
    new Option("-s, --server <address>", "HOST:PORT or unix:PATH of a control plane (PODWIRE_SERVER)"),
    new Option("--token-file <file>", "a file with the bearer token for --server (PODWIRE_TOKEN_FILE)"),
    new Option("-n, --namespace <name>", 'the namespace to work in; "default" where it is absent (PODWIRE_NAMESPACE)'),
    new Option(
      "--request-timeout <duration>",
      "how long to wait for one answer, such as 5s; 0 is no limit (PODWIRE_REQUEST_TIMEOUT)",
    ),
    new Option("-v, --v <level>", "above 0: show each call to the control plane, and how long it took (PODWIRE_V)").argParser(
      integerFlag("--v"),
    ),
  ];
  for (const flag of flags) command.addOption(flag.helpGroup(heading));
}

/** Reads the global flags from commander's options and the environment. */
export function readGlobalFlags(options: object, env: Environment): GlobalFlags {
  const raw: RawGlobals = options;
  const namespace = raw.namespace ?? nonEmpty(env.PODWIRE_NAMESPACE);
  const timeout = raw.requestTimeout ?? nonEmpty(env.PODWIRE_REQUEST_TIMEOUT) ?? "0";
  // A flag for one of the two outranks the variable for the other.
  const place =
    raw.cluster === undefined && raw.server === undefined
      ? { cluster: nonEmpty(env.PODWIRE_CLUSTER), server: nonEmpty(env.PODWIRE_SERVER) }
      : { cluster: raw.cluster, server: raw.server };
  return {
    ...place,
    tokenFile: raw.tokenFile ?? nonEmpty(env.PODWIRE_TOKEN_FILE),
    namespace: namespace ?? "default",
    namespaceGiven: namespace !== undefined,
    requestTimeoutMs: requestTimeoutMs(timeout),
    verbosity: raw.v ?? integerFlag("--v")(nonEmpty(env.PODWIRE_V) ?? "0"),
  };
}

/** A bare number is in seconds, as kubectl reads it. */
function requestTimeoutMs(text: string): number {
  const ms = /^[0-9]+$/.test(text) ? Number(text) * 1_000 : parseDuration(text);
  if (ms === undefined || ms < 0) throw badFlag("--request-timeout", text, "want seconds or a duration such as 1m30s");
  return ms;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
