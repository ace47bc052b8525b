/* Both ends of every connection. Sources: grpc-js 1.14.7's defaults, which are unlimited or off where these are not. */

import type { ChannelOptions } from "@grpc/grpc-js";

const messageBytesMax = 4 * 1024 * 1024;

/** How soon a silent peer counts as frozen; without keepalive it never does. A shorter timeout takes a busy machine for a frozen peer. */
const keepalives = {
  /** Within 9 s: for an agent, which has others to look after. */
  quick: { "grpc.keepalive_time_ms": 1_000, "grpc.keepalive_timeout_ms": 8_000 },
  /** Within 30 s, as kubectl: for whoever would rather wait for a busy control plane than begin again. */
  patient: { "grpc.keepalive_time_ms": 10_000, "grpc.keepalive_timeout_ms": 20_000 },
} as const;

export type Keepalive = keyof typeof keepalives;

/** Agents that are silent are found by their heartbeats. */
export const serverChannelOptions: ChannelOptions = {
  ...keepalives.patient,
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.max_send_message_length": messageBytesMax,
};

const commonClientOptions: ChannelOptions = {
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.max_send_message_length": messageBytesMax,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // A proxy variable would otherwise catch even 127.0.0.1.
  "grpc.enable_http_proxy": 0,
  // A second question for each name, which a network without a way out never answers: a process would wait 20 s for that at its end.
  "grpc.service_config_disable_resolution": 1,
  // Each client has a connection of its own: a full one would let the calls of another hang silently.
  "grpc.use_local_subchannel_pool": 1,
};

export function clientChannelOptions(keepalive: Keepalive): ChannelOptions {
  return { ...keepalives[keepalive], ...commonClientOptions };
}
