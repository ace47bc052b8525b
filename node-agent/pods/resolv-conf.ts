/* A pod's /etc/resolv.conf, as a kubelet makes it from dnsPolicy, dnsConfig and the node's own file. Pure. */

import { searchCharactersMax, searchesMax, serversMax } from "#core/objects/pod-dns.ts";
import { clusterDomain } from "#core/services/service-range.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";

export interface ResolvConfInput {
  readonly pod: Pod;
  /** Where the cluster's name server answers. */
  readonly dnsAddress: string;
  /** The node's own file. */
  readonly ofNode: string;
}

export interface ResolvConf {
  readonly text: string;
  /** What did not fit into the limits of resolvers, for an event. */
  readonly warnings: readonly string[];
}

interface Lines {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  /** `ndots:5` */
  readonly options: readonly string[];
}

export function resolvConfOf(input: ResolvConfInput): ResolvConf {
  const { dnsConfig } = input.pod.spec ?? {};
  const base = linesOfPolicy(input);
  const more = (dnsConfig?.options ?? []).map(({ name = "", value = "" }) => (value === "" ? name : `${name}:${value}`));
  const servers = [...new Set([...base.servers, ...(dnsConfig?.nameservers ?? [])])];
  const searches = [...new Set([...base.searches, ...(dnsConfig?.searches ?? [])])];
  const options = [...new Map([...base.options, ...more].map((option) => [option.split(":", 1)[0], option])).values()];
  return withinLimits({ servers, searches, options });
}

function linesOfPolicy({ pod, dnsAddress, ofNode }: ResolvConfInput): Lines {
  const { dnsPolicy = "", hostNetwork = false } = pod.spec ?? {};
  if (dnsPolicy === "None") return { servers: [], searches: [], options: [] };
  // On the node's network a pod has its resolver too, but where it says otherwise.
  if (dnsPolicy === "Default" || (hostNetwork && dnsPolicy !== "ClusterFirstWithHostNet")) return readResolvConf(ofNode);
  return {
    servers: [dnsAddress],
    searches: [`${pod.metadata?.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain],
    options: ["ndots:5"],
  };
}

/** As a resolver reads it: of `search` and `options` the last line counts. */
function readResolvConf(text: string): Lines {
  const lines = text.split("\n").map((line) =>
    line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/),
  );
  const last = (keyword: string) => lines.findLast(([word]) => word === keyword)?.slice(1) ?? [];
  return {
    servers: lines.flatMap(([word, address]) => (word === "nameserver" && address !== undefined ? [address] : [])),
    searches: last("search"),
    options: last("options"),
  };
}

function withinLimits(lines: Lines): ResolvConf {
  const servers = lines.servers.slice(0, serversMax);
  const searches = [...lines.searches];
  while (searches.length > searchesMax || searches.join(" ").length > searchCharactersMax) searches.pop();
  const warnings = [
    ...(servers.length === lines.servers.length
      ? []
      : [
          `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(" ")}`,
        ]),
    ...(searches.length === lines.searches.length
      ? []
      : [
          `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(" ")}`,
        ]),
  ];
  const text = [
    ...(searches.length === 0 ? [] : [`search ${searches.join(" ")}`]),
    ...servers.map((server) => `nameserver ${server}`),
    ...(lines.options.length === 0 ? [] : [`options ${lines.options.join(" ")}`]),
  ];
  return { text: text.map((line) => `${line}\n`).join(""), warnings };
}
