/* Who may call what.
 *
 *                     Unix socket        TCP
 *   Cluster           whoever opens it   the user token          The socket's file mode (0600) has already asked who it is.
 *   Agent.Join        the join token     the join token
 *   Session, Attach   the node's credential on both */

import { AppError } from "#core/errors.ts";
import { AgentService } from "#proto/podwire/v1/agent.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { CallMetadata } from "#rpc/service.ts";
import { findIdentity, secretMatches, sha256 } from "../sessions/identity.ts";
import type { Store } from "../store/store.ts";

export type Transport = "socket" | "tcp";

export interface AuthorizeOptions {
  readonly transport: Transport;
  readonly store: Store;
  /** Where one is absent, nobody gets in by it. */
  readonly tokens: Tokens;
}

export interface Tokens {
  readonly join?: string | undefined;
  readonly user?: string | undefined;
}

const clusterPaths = new Set<string>(Object.values(ClusterService).map(({ path }) => path));
const sessionPaths = new Set<string>([AgentService.session.path, AgentService.attach.path]);

/** Throws "unauthenticated" where the call may not go on. */
export function createAuthorize({ transport, store, tokens }: AuthorizeOptions) {
  const userHash = hashOf(tokens.user);
  const joinHash = hashOf(tokens.join);
  return (path: string, metadata: CallMetadata): void => {
    if (clusterPaths.has(path)) {
      if (transport === "tcp") checkToken(metadata, userHash, "user token");
    } else if (path === AgentService.join.path) {
      checkToken(metadata, joinHash, "join token");
    } else if (sessionPaths.has(path)) {
      checkCredential(metadata, store);
    } else {
      throw new AppError("unauthenticated", `nobody may call ${path}`);
    }
  };
}

function checkToken(metadata: CallMetadata, hash: string | undefined, what: string): void {
  if (hash === undefined) throw new AppError("unauthenticated", `this control plane has no ${what}, so nobody gets in by it`);
  const secret = bearerOf(metadata);
  if (secret === undefined)
    throw new AppError("unauthenticated", `the call needs the ${what}: metadata "authorization: Bearer …"`);
  if (!secretMatches(secret, hash)) throw new AppError("unauthenticated", `that is not the ${what} of this cluster`);
}

function checkCredential(metadata: CallMetadata, store: Store): void {
  const node = metadata["podwire-node"] ?? "";
  const secret = bearerOf(metadata);
  const identity = node === "" ? undefined : findIdentity(store, node);
  // One answer for an unknown node and for a wrong credential: who asks learns no names.
  if (identity === undefined || secret === undefined || !secretMatches(secret, identity.credentialSha256)) {
    throw new AppError("unauthenticated", "the call needs the credential of a node of this cluster: join again");
  }
}

function bearerOf(metadata: CallMetadata): string | undefined {
  return /^Bearer (.+)$/.exec(metadata.authorization ?? "")?.[1];
}

function hashOf(secret: string | undefined): string | undefined {
  return secret === undefined ? undefined : sha256(secret);
}
