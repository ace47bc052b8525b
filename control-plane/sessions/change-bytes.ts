import { Change } from "#proto/podwire/v1/agent.ts";

/** By value: a Service or a slice is told to every session. */
const known = new WeakMap<object, number>();
/** Field numbers, lengths, and a block of addresses or two. */
const peerFieldBytes = 80;

/** About how long the change is on the wire, in bytes. A peer has a key for each session, and is not encoded to learn its length. */
export function changeBytes(change: Change): number {
  const { change: said } = change;
  if (said?.$case === "peerPut") {
    const { name, nodeAddress, tunnelEndpoint, key } = said.value;
    return name.length + nodeAddress.length + tunnelEndpoint.length + key.length + peerFieldBytes;
  }
  const value = typeof said?.value === "object" ? said.value : change;
  const length = known.get(value) ?? Change.encode(change).finish().length;
  known.set(value, length);
  return length;
}
