/* The ports of a port-forward as kubectl takes them: `80`, `8080:80`, `:80` (any free port here), `8080:http` (a port's name). Pure. */

import { allContainers } from "#core/objects/pod-containers.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { UsageError } from "../usage-error.ts";

export interface PortPair {
  /** 0: any that is free. */
  readonly local: number;
  readonly remote: number;
}

export function parsePortPair(word: string, pod: Pod): PortPair {
  const parts = word.split(":");
  const [first = "", second] = parts;
  if (parts.length > 2 || word === "" || second === "")
    throw new UsageError(`invalid port format '${word}': want [LOCAL:]REMOTE`);
  const remote = remotePort(second ?? first, pod);
  if (second === undefined) return { local: remote, remote };
  return { local: first === "" ? 0 : portNumber(first, "local", 0), remote };
}

function remotePort(text: string, pod: Pod): number {
  if (/^[0-9]+$/.test(text)) return portNumber(text, "remote", 1);
  const named = allContainers(pod)
    .flatMap(({ ports }) => ports)
    .find(({ name }) => name === text);
  if (named?.containerPort === undefined) {
    throw new UsageError(`Pod '${pod.metadata?.name}' does not have a named port '${text}'`);
  }
  return named.containerPort;
}

function portNumber(text: string, which: "local" | "remote", min: number): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port >= min && port <= 65_535) return port;
  throw new UsageError(`error parsing ${which} port '${text}': want a number from ${min} to 65535`);
}
