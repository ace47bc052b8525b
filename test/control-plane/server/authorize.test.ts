import assert from "node:assert/strict";
import { isAppError } from "#core/errors.ts";
import { AgentService } from "#proto/podwire/v1/agent.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import { createAuthorize, type Transport } from "../../../control-plane/server/authorize.ts";
import { putIdentity, sha256 } from "../../../control-plane/sessions/identity.ts";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";

const tokens = { join: "j7QmX2vK9sLw", user: "u4TnB8cZ1pRd" };

const bearer = (secret: string, node?: string) => ({
  authorization: `Bearer ${secret}`,
  ...(node === undefined ? {} : { "podwire-node": node }),
});

const credentials = {
  nothing: {},
  "an empty bearer": { authorization: "Bearer " },
  "another scheme": { authorization: `Basic ${tokens.user}` },
  "a wrong token": bearer("a guess"),
  "the user token": bearer(tokens.user),
  "the join token": bearer(tokens.join),
  "node-1's credential": bearer("credential of node-1", "node-1"),
  "node-1's credential as node-2": bearer("credential of node-1", "node-2"),
  "node-1's credential without a name": bearer("credential of node-1"),
  "a credential of a node that never joined": bearer("credential of node-1", "node-9"),
  "the user token as node-1": bearer(tokens.user, "node-1"),
  "the join token as node-1": bearer(tokens.join, "node-1"),
} as const satisfies Record<string, Readonly<Record<string, string>>>;
type Credential = keyof typeof credentials;

const everyone = Object.keys(credentials) as Credential[];
const users: readonly Credential[] = ["the user token", "the user token as node-1"];
const joiners: readonly Credential[] = ["the join token", "the join token as node-1"];
const nodes: readonly Credential[] = ["node-1's credential"];

/** Every method of both services: who gets in over TCP, who over the socket. */
const table: readonly { readonly path: string; readonly tcp: readonly Credential[]; readonly socket: readonly Credential[] }[] = [
  ...Object.values(ClusterService).map(({ path }) => ({ path, tcp: users, socket: everyone })),
  { path: AgentService.join.path, tcp: joiners, socket: joiners },
  { path: AgentService.session.path, tcp: nodes, socket: nodes },
  { path: AgentService.attach.path, tcp: nodes, socket: nodes },
  { path: "/podwire.v1.Cluster/Unknown", tcp: [], socket: [] },
];

async function allows(path: string, transport: Transport, credential: Credential, given: object = tokens): Promise<boolean> {
  await using store = openMemoryStore();
  for (const name of ["node-1", "node-2"]) {
    const identity = { credentialSha256: sha256(`credential of ${name}`), epoch: 0 };
    await store.commit({ checks: [], writes: [putIdentity(name, identity)] });
  }
  try {
    createAuthorize({ transport, store, tokens: given })(path, credentials[credential]);
    return true;
  } catch (error) {
    assert.ok(isAppError(error, "unauthenticated"), String(error));
    for (const secret of Object.values(tokens)) assert.ok(!error.message.includes(secret), "no secret in a message");
    return false;
  }
}

describe("who may call what", () => {
  for (const { path, ...by } of table) {
    for (const transport of ["tcp", "socket"] as const) {
      it(`${path} over ${transport}: ${by[transport].length === everyone.length ? "everyone" : by[transport].join(", ") || "nobody"}`, async () => {
        const allowed: Credential[] = [];
        for (const credential of everyone) if (await allows(path, transport, credential)) allowed.push(credential);
        assert.deepEqual(allowed, by[transport]);
      });
    }
  }

  it("where there is no token, nobody gets in by one", async () => {
    for (const credential of everyone) {
      assert.equal(await allows(ClusterService.get.path, "tcp", credential, {}), false);
      assert.equal(await allows(AgentService.join.path, "socket", credential, {}), false);
    }
  });
});
