/* The flags of the name server. */

import { invalid, messageOf } from "#core/errors.ts";
import { formatIpv4, parseIpv4 } from "#core/ipv4.ts";
import { subdomainNameProblem } from "#core/names.ts";
import type { UpstreamOptions } from "./forwarder.ts";
import type { Upstream } from "./upstream.ts";

export interface DnsOptions extends UpstreamOptions {
  /** How long others may keep the cluster's names. */
  readonly ttlSeconds: number;
}

/** Whoever asks gives up after five seconds. */
const upstreamsMax = 4;
const ttlSecondsMax = 3_600;

/** Throws an "invalid" AppError that names the flag. */
export function parseDnsOptions(texts: Readonly<Record<"ttl" | "upstream" | "stub", string>>): DnsOptions {
  const ttlSeconds = Number(texts.ttl);
  if (!/^[0-9]+$/.test(texts.ttl) || ttlSeconds > ttlSecondsMax) {
    throw invalid(`--dns-ttl "${texts.ttl}": want a number from 0 to ${ttlSecondsMax}`);
  }
  const stubs = new Map<string, Upstream[]>();
  for (const part of partsOf(texts.stub)) {
    const [domain = "", server = ""] = part.split("=", 2);
    const name = domain.toLowerCase().replace(/\.$/, "");
    const problem = subdomainNameProblem(name);
    if (problem !== undefined) throw invalid(`--dns-stub "${part}": ${problem}`);
    stubs.set(name, [...(stubs.get(name) ?? []), parseUpstream(server, `--dns-stub "${part}"`)]);
  }
  const upstreams = partsOf(texts.upstream).map((part) => parseUpstream(part, `--dns-upstream "${part}"`));
  if ([upstreams, ...stubs.values()].some(({ length }) => length > upstreamsMax)) {
    throw invalid(`--dns-upstream, --dns-stub: name at most ${upstreamsMax} servers, which are asked one after the other`);
  }
  return { ttlSeconds, upstreams, stubs };
}

function partsOf(text: string): string[] {
  return text.split(",").filter((part) => part !== "");
}

function parseUpstream(text: string, flag: string): Upstream {
  const [host = "", port = "53", ...rest] = text.split(":");
  if (rest.length > 0 || !/^[0-9]{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw invalid(`${flag}: want ADDRESS or ADDRESS:PORT, such as 192.168.1.1:53`);
  }
  try {
    return { host: formatIpv4(parseIpv4(host)), port: Number(port) };
  } catch (error) {
    throw invalid(`${flag}: ${messageOf(error)}`);
  }
}
