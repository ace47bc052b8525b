/* `conntrack`'s language: the entries of UDP, as it lists them and is told to delete them. */

import { formatIpv4, parseIpv4 } from "#core/ipv4.ts";
import type { UdpFlow } from "./service-table.ts";

/** From `conntrack -L -f ipv4 -p udp`: a line for each entry, the first tuple as it came, the second as it is answered. */
export function parseUdpFlows(text: string): UdpFlow[] {
  return text.split("\n").flatMap((line) => {
    const values = [...line.matchAll(/\b(?:src|dst|sport|dport)=([0-9.]+)/g)].map(([, value = ""]) => value);
    const [source, destination, sourcePort, destinationPort, answeredBy, , answeredPort] = values;
    if (values.length < 8 || source === undefined || destination === undefined || answeredBy === undefined) return [];
    return [
      {
        source: parseIpv4(source),
        sourcePort: Number(sourcePort),
        destination: parseIpv4(destination),
        destinationPort: Number(destinationPort),
        answeredBy: parseIpv4(answeredBy),
        answeredPort: Number(answeredPort),
      },
    ];
  });
}

/**
 * Arguments that delete every flow to where this one goes that is answered from where this one is: those are as stale as it is, and a
 * program for each would cost more than they do. (`-R` would take all at once, but from a file only.)
 */
export function renderRemoval({ destination, destinationPort, answeredBy, answeredPort }: UdpFlow): string[] {
  return [
    ...["-D", "-f", "ipv4", "-p", "udp"],
    ...["--orig-dst", formatIpv4(destination), "--orig-port-dst", String(destinationPort)],
    ...["--reply-src", formatIpv4(answeredBy), "--reply-port-src", String(answeredPort)],
  ];
}
