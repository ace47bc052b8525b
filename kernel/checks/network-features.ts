import { asRoot, type Check, type Problem } from "./check.ts";
import type { MachineFacts } from "./facts.ts";
import type { Feature } from "./features.ts";

export const tun: Check = {
  name: "TUN device",
  why: "Frames for other nodes reach the agent through a TUN with virtio headers, in pieces of up to 64 KiB.",
  tried: true,
  found: () => "/dev/net/tun, with virtio headers",
  problems: [
    {
      verdict: "missing",
      cause: "The module is not loaded, or a container was not given the device.",
      holds: ({ tunDevice }) => tunDevice === "missing" || tunDevice === "without driver",
      found: ({ tunDevice }) => (tunDevice === "missing" ? "there is no /dev/net/tun" : "/dev/net/tun has no driver behind it"),
      cure: (facts) => (facts.inContainer ? "start the container with --device /dev/net/tun" : asRoot(facts, "modprobe tun")),
      example: { tunDevice: "missing" },
    },
    {
      verdict: "missing",
      cause:
        "The device is root's alone; distributions leave it to everybody, since it is of no use without the right to the network.",
      holds: ({ tunDevice }) => tunDevice === "forbidden",
      found: () => "/dev/net/tun can't be opened: permission denied",
      cure: (facts) =>
        facts.uid === 0 ? "start the container with --device /dev/net/tun" : asRoot(facts, "chmod 0666 /dev/net/tun"),
      example: { uid: 1000, tunDevice: "forbidden" },
    },
    failing({ features: ["tun"], modules: "tun", cause: "The kernel makes no TUN device with virtio headers." }),
    {
      verdict: "warning",
      cause: "Linux before 6.2 has no segmentation offload for UDP.",
      holds: ({ kernelRelease }) => isBefore(kernelRelease, 6, 2),
      found: ({ kernelRelease }) => `Linux ${kernelRelease} segments UDP itself: much UDP between nodes is slower`,
      cure: () => "boot Linux 6.2 or later, if that matters to you",
      example: { kernelRelease: "6.1.0-28-amd64" },
    },
  ],
};

export const links: Check = {
  name: "links",
  why: "A veth pair joins each pod to its node, a bridge the nodes to each other.",
  tried: true,
  found: () => "veth and bridge",
  problems: [failing({ features: ["veth", "bridge"], modules: "veth bridge", cause: "The kernel has no such device." })],
};

export const routing: Check = {
  name: "routing",
  why: "Rules by source and by mark lead pods' packets to tables of their own.",
  tried: true,
  found: () => "rules and tables",
  problems: [
    {
      ...failing({ features: ["routes"], modules: "", cause: "The kernel was built without CONFIG_IP_MULTIPLE_TABLES." }),
      cure: () => "boot a kernel of your distribution",
    },
  ],
};

export const nftables: Check = {
  name: "nftables",
  why: "A node's rules are one nftables table: sets, maps, verdict maps, random choice, refusals.",
  tried: true,
  found: () => "sets, maps, verdict maps, numgen, reject",
  problems: [
    failing({
      features: ["tables", "sets", "maps", "verdict maps", "numgen", "reject"],
      modules: "nf_tables nft_numgen nft_reject_ipv4",
      cause: "The kernel has no nftables, or not all of it.",
    }),
  ],
};

export const connectionTracking: Check = {
  name: "connection tracking",
  why: "Host ports and egress rewrite addresses, and replies are told by their connection.",
  tried: true,
  found: () => "marks, states, rewriting",
  problems: [
    failing({
      features: ["ct mark", "ct state", "nat", "a node's own rules", "a node's Services"],
      modules: "nf_conntrack nft_ct nft_chain_nat nft_fib_ipv4",
      cause: "The kernel has no connection tracking, or does not rewrite addresses by nftables.",
    }),
  ],
};

interface FailingOptions {
  readonly features: readonly [Feature, ...Feature[]];
  readonly modules: string;
  readonly cause: string;
}

/** Something of these that the trial saw fail. Only root may load modules by name; the kernel loads them by itself where it may. */
function failing({ features, modules, cause }: FailingOptions): Problem {
  const failed = ({ trial }: MachineFacts) =>
    trial.state === "ran"
      ? features.flatMap((feature) => {
          const said = trial.failures.get(feature);
          return said === undefined ? [] : [{ feature, said }];
        })
      : [];
  return {
    verdict: "missing",
    cause,
    holds: (facts) => failed(facts).length > 0,
    found: (facts) =>
      `${failed(facts)
        .map(({ feature }) => feature)
        .join(", ")}: ${failed(facts)[0]?.said}`,
    cure: (facts) => asRoot(facts, `modprobe -a ${modules}`),
    example: { trial: { state: "ran", failures: new Map([[features[0], "Operation not supported"]]) } },
  };
}

/** "6.1.0-28-amd64" is before 6, 2. */
function isBefore(release: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = release.split(/[.-]/).map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
