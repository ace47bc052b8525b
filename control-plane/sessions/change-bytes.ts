import { Change } from "#proto/podwire/v1/agent.ts";

/** By value: a Service or a slice is told to every session. */
const known = new WeakMap<object, number>();
/** Field numbers and lengths of a peer's six fields, with those around it. */
const peerFieldBytes = 32;

/** About how long the change is on the wire, in bytes. A peer has a key for each session, and is not encoded to learn its length. */
export function changeBytes(change: Change): number {
  const { change: said } = change;
  if (said?.$case === "peerPut") {
    const { name, podCIDRs, nodeAddress, tunnelEndpoint, key } = said.value;
    return name.length + podCIDRs.join("  ").length + nodeAddress.length + tunnelEndpoint.length + key.length + peerFieldBytes;
  }
  const value = typeof said?.value === "object" ? said.value : change;
  const length = known.get(value) ?? Change.encode(change).finish().length;
  known.set(value, length);
  return length;
}
