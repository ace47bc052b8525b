/* The files that a pod's containers see under /etc, and their environment, as a kubelet writes them. Pure. */

import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import { clusterDomain } from "#core/services/service-range.ts";
import type { HostAlias, Pod } from "#proto/podwire/v1/resources.ts";

/** Where container.sh puts the built-in programs. */
const toolboxFolder = "/run/podwire/toolbox";
const path = `${toolboxFolder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

export function hostnameOf(pod: Pod, nodeName: string): string {
  if (pod.spec?.hostNetwork === true) return nodeName;
  return (pod.spec?.hostname || pod.metadata?.name || "").slice(0, 63).replace(/[-.]+$/, "");
}

export function hostsFile(pod: Pod, hostname: string, address: Ipv4): string {
  const subdomain = pod.spec?.subdomain ?? "";
  const full = subdomain === "" ? [] : [`${hostname}.${subdomain}.${pod.metadata?.namespace}.svc.${clusterDomain}`];
  return [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    [formatIpv4(address), ...full, hostname].join("\t"),
    ...aliasLines(pod.spec?.hostAliases ?? []),
    "",
  ].join("\n");
}

function aliasLines(aliases: readonly HostAlias[]): string[] {
  if (aliases.length === 0) return [];
  return ["", "# Entries added by HostAliases.", ...aliases.map(({ ip = "", hostnames }) => [ip, ...hostnames].join("\t"))];
}

/** What a container has before its own variables. Nobody but root has a folder of his own. */
export function environmentOf(hostname: string, uid: number): Record<string, string> {
  return { PATH: path, HOME: uid === 0 ? "/root" : "/", HOSTNAME: hostname };
}
