/* The ports of a port-forward as kubectl takes them: `80`, `8080:80`, `:80` (any free port here), `8080:http` (a port's name). Pure. */

import { UsageError } from "../usage-error.ts";

export interface PortPair {
  /** 0: any that is free. */
  readonly local: number;
  /** The pod's. */
  readonly remote: number;
}

/** The pod's port that the user means; throws where there is none. */
export interface PortLookup {
  byNumber(port: number): number;
  byName(text: string): number;
}

export function parsePortPair(word: string, ports: PortLookup): PortPair {
  const parts = word.split(":");
  const [first = "", second] = parts;
  if (parts.length > 2 || word === "" || second === "")
    throw new UsageError(`invalid port format '${word}': want [LOCAL:]REMOTE`);
  const named = second ?? first;
  const number = /^[0-9]+$/.test(named) ? portNumber(named, "remote", 1) : undefined;
  const remote = number === undefined ? ports.byName(named) : ports.byNumber(number);
  if (second === undefined) return { local: number ?? remote, remote };
  return { local: first === "" ? 0 : portNumber(first, "local", 0), remote };
}

function portNumber(text: string, which: "local" | "remote", min: number): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= min && port <= 65_535) return port;
  throw new UsageError(`error parsing ${which} port '${text}': want a number from ${min} to 65535`);
}
