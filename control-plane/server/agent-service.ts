/* What node agents call. authorize.ts has checked who calls; the metadata says which node that is. */

import { invalid } from "#core/errors.ts";
import type { AgentService } from "#proto/podwire/v1/agent.ts";
import type { Handlers } from "#rpc/server.ts";
import type { CallMetadata } from "#rpc/service.ts";
import { type SessionContext, serveSession } from "../sessions/session.ts";
import type { StreamBroker } from "../streams/broker.ts";
import { createJoin, type JoinContext } from "./join.ts";

export interface AgentServiceContext extends JoinContext, SessionContext {
  readonly streams: StreamBroker;
}

export function agentHandlers(context: AgentServiceContext): Handlers<typeof AgentService> {
  const join = createJoin(context);
  return {
    join,
    session: (requests, { metadata, signal }) => serveSession(nodeOf(metadata), requests, context, signal),
    attach: (outputs, { metadata, signal }) => {
      const streamId = metadata["podwire-stream"] ?? "";
      if (streamId === "") throw invalid("Attach needs the metadata podwire-stream");
      return context.streams.attach({ node: nodeOf(metadata), streamId, outputs, signal });
    },
  };
}

function nodeOf(metadata: CallMetadata): string {
  return metadata["podwire-node"] ?? "";
}
