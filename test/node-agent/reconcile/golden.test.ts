/* Whole plans, as the lines that `ip` and `nft` get: read the files under test/golden/network. */

import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { renderPodInside } from "#kernel/ip.ts";
import { renderSteps } from "#kernel/linux-network.ts";
import type { NetworkState, PodLink } from "#kernel/network.ts";
import { digestOf } from "#kernel/nft.ts";
import { achieved, planNetwork } from "../../../node-agent/reconcile/plan-network.ts";
import { type NetworkView, type WantedNetwork, wantedNetwork } from "../../../node-agent/reconcile/wanted-network.ts";
import { assertGolden } from "../../support/golden.ts";

const view: NetworkView = {
  nodeAddress: parseIpv4("192.168.0.1"),
  podRange: parseCidr("10.244.0.0/16"),
  serviceRange: parseCidr("10.96.0.0/16"),
  balancerRange: parseCidr("10.97.0.0/24"),
  podCidrs: [parseCidr("10.244.1.0/24")],
  peerAddresses: [parseIpv4("192.168.0.2"), parseIpv4("192.168.0.3")],
};
const web: PodLink = { netns: "node-1.web", device: "pwaaaaaaaaaaaa", address: parseIpv4("10.244.1.2") };
const client: PodLink = { netns: "node-1.client", device: "pwbbbbbbbbbbbb", address: parseIpv4("10.244.1.3") };
const nothing: NetworkState = { routes: [], rules: [], devices: [], netns: [], ruleBase: undefined, elements: [] };

const plans: readonly (readonly [file: string, sentence: string, wanted: WantedNetwork, actual: NetworkState])[] = [
  ["three-nodes-fresh", "a node of three starts", wantedNetwork(view, []), nothing],
  [
    "pod-with-host-ports-added",
    "a pod with host ports is added to another, which has one of them",
    wantedNetwork(view, [
      { ...web, hostPorts: [{ protocol: "tcp", port: 80, containerPort: 8080 }] },
      {
        ...client,
        hostPorts: [
          { protocol: "tcp", port: 80, containerPort: 80 },
          { protocol: "udp", port: 53, containerPort: 5353, hostAddress: view.nodeAddress },
        ],
      },
    ]),
    achieved(wantedNetwork(view, [{ ...web, hostPorts: [{ protocol: "tcp", port: 80, containerPort: 8080 }] }])),
  ],
  ["pod-added", "a pod is added to another", wantedNetwork(view, [web, client]), achieved(wantedNetwork(view, [web]))],
  [
    "peer-removed",
    "a peer leaves",
    wantedNetwork({ ...view, peerAddresses: view.peerAddresses.slice(0, 1) }, [web]),
    achieved(wantedNetwork(view, [web])),
  ],
  [
    "block-changed",
    "the node has another block now",
    wantedNetwork({ ...view, podCidrs: [parseCidr("10.244.7.0/24")] }, [web]),
    achieved(wantedNetwork(view, [web])),
  ],
  [
    "restarted-half-made",
    "an agent starts again: one pod lost its namespace, one lost its device, one is nobody's, the rules are old",
    wantedNetwork(view, [web, client]),
    {
      ...achieved(wantedNetwork(view, [web, client])),
      devices: [web.device, "pwcccccccccccc"],
      netns: [client.netns, "node-1.nobody"],
      ruleBase: digestOf({ ...wantedNetwork(view, []).ruleBase, nodeAddress: parseIpv4("192.168.0.99") }),
      elements: [{ set: "pods", device: "pwcccccccccccc", address: parseIpv4("10.244.1.9") }],
    },
  ],
];

describe("plans, written out", () => {
  for (const [file, sentence, wanted, actual] of plans) {
    it(`shows what is done when ${sentence}`, () => {
      const { ip, nft, pods } = renderSteps(planNetwork(wanted, actual), actual.ruleBase);
      const parts = [
        ["ip", ip],
        ...pods.map((link) => [`ip -netns ${link.netns}`, renderPodInside(link)] as const),
        ["nft", nft],
      ] as const;
      const text = parts.flatMap(([program, lines]) => lines.map((line) => `${program} ${line}`)).join("\n");
      assertGolden(`network/${file}.txt`, `# ${sentence}\n${text}\n`);
    });
  }
});
