/* A Cluster server that answers what a test tells it to, over real gRPC: for what a healthy control plane never does. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "#core/errors.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import { createRpcServer, type Handlers } from "#rpc/server.ts";

export type ClusterHandlers = Handlers<typeof ClusterService>;

export interface FakeCluster extends AsyncDisposable {
  /** `unix:PATH` */
  readonly address: string;
}

/** What `handlers` lacks is refused as unimplemented. */
export async function startFakeCluster(handlers: Partial<ClusterHandlers>): Promise<FakeCluster> {
  const folder = await mkdtemp(join(tmpdir(), "podwire-fake-"));
  const server = createRpcServer({ authorize: () => {}, onUnexpectedError: () => {} });
  const refuse = () => {
    throw new AppError("unimplemented", "the fake cluster doesn't do that");
  };
  const all = Object.fromEntries(Object.keys(ClusterService).map((name) => [name, refuse]));
  server.add(ClusterService, { ...all, ...handlers } as ClusterHandlers);
  const address = `unix:${join(folder, "api.sock")}`;
  await server.listen(address);
  return {
    address,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
