/* What an agent tells Prometheus: its tunnels, its name server, its pods, what went to Services' endpoints. Pure. */

import type { EndpointTraffic } from "#kernel/service-table.ts";
import { byReason, type Family, type Sample } from "#process/prometheus.ts";
import type { DnsCounters } from "../dns/counters.ts";
import type { OverlayStatus, PeerStatus } from "../overlay/status.ts";

export interface AgentFacts {
  readonly overlay: OverlayStatus;
  readonly dns: DnsCounters;
  readonly podCount: number;
  readonly traffic: readonly EndpointTraffic[];
}

export function agentFamilies({ overlay, dns, podCount, traffic }: AgentFacts): Family[] {
  const { peers, drops, refusals } = overlay;
  const each = (of: (peer: PeerStatus) => number): Sample[] =>
    peers.map((peer) => ({ labels: { peer: peer.name }, value: of(peer) }));
  const bothWays = (of: "bytes" | "packets" | "frames" | "messages"): Sample[] =>
    peers.flatMap(({ name, sent, received }) => [
      { labels: { peer: name, direction: "send" }, value: sent[of] },
      { labels: { peer: name, direction: "receive" }, value: received[of] },
    ]);
  const ofEndpoints = (of: "connections" | "requests"): Sample[] =>
    traffic.map(({ address, port, protocol, [of]: value }) => ({ labels: { address, port: String(port), protocol }, value }));
  return [
    { name: "podwire_pods", help: "Pods on this node", samples: [{ value: podCount }] },
    {
      ...{ name: "podwire_link_up", help: "Whether the tunnel to the peer carries frames" },
      samples: each(({ tunnel: { state } }) => (state === "open" || state === "one-way" ? 1 : 0)),
    },
    {
      ...{ name: "podwire_link_round_trip_seconds", help: "Of the tunnel's last heartbeat that was answered" },
      samples: peers.flatMap(({ name, roundTripMs }) =>
        roundTripMs === undefined ? [] : [{ labels: { peer: name }, value: roundTripMs / 1000 }],
      ),
    },
    {
      ...{ name: "podwire_link_queued_bytes", help: "What waits in the agent for the peer" },
      samples: each(({ queuedBytes }) => queuedBytes),
    },
    { name: "podwire_link_bytes_total", help: "Bytes of frames", samples: bothWays("bytes") },
    { name: "podwire_link_packets_total", help: "Packets as they would be on a wire", samples: bothWays("packets") },
    { name: "podwire_link_frames_total", help: "Frames; one may stand for many packets", samples: bothWays("frames") },
    { name: "podwire_link_messages_total", help: "Messages; each is a batch of frames", samples: bothWays("messages") },
    {
      ...{ name: "podwire_link_dropped_frames_total", help: "Frames of a tunnel that were dropped, by the reason" },
      samples: peers.flatMap(({ name, sendDrops, receiveDrops }) => [
        ...byReason(sendDrops, { peer: name, direction: "send" }),
        ...byReason(receiveDrops, { peer: name, direction: "receive" }),
      ]),
    },
    {
      name: "podwire_unrouted_frames_total",
      help: "Frames from the TUN that were no peer's, by the reason",
      samples: byReason(drops),
    },
    {
      name: "podwire_refused_tunnels_total",
      help: "Attempts to open a tunnel that were refused, by the reason",
      samples: byReason(refusals),
    },
    {
      ...{ name: "podwire_endpoint_connections_total", help: "Connections and flows that this node led to a Service's endpoint" },
      samples: ofEndpoints("connections"),
    },
    {
      ...{ name: "podwire_endpoint_requests_total", help: "About the requests in them: segments that push, and datagrams" },
      samples: ofEndpoints("requests"),
    },
    { name: "podwire_dns_queries_total", help: "Queries to the cluster's name server", samples: [{ value: dns.queries }] },
    { name: "podwire_dns_dropped_total", help: "Queries that were not answered, by the reason", samples: byReason(dns.dropped) },
    { name: "podwire_dns_malformed_total", help: "Queries answered with FORMERR or NOTIMP", samples: [{ value: dns.malformed }] },
    {
      name: "podwire_dns_failed_total",
      help: "Queries answered with SERVFAIL, by a fault of ours",
      samples: [{ value: dns.failed }],
    },
    { name: "podwire_dns_tcp_closed_total", help: "Connections that were closed, by the reason", samples: byReason(dns.tcp) },
    {
      name: "podwire_dns_upstream_total",
      help: "Questions to other name servers, by what became of them",
      samples: byReason(dns.upstream),
    },
  ];
}
