/* A rollout under load: whether any request is lost, and why. */

import { randomBytes } from "node:crypto";
import type { Clock } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import type { Kind } from "#core/objects/kind.ts";
import { serviceKind } from "#core/objects/service.ts";
import { isHeadless } from "#core/services/service-type.ts";
import type { Deployment, Service } from "#proto/podwire/v1/resources.ts";
import type { Connection } from "../connect.ts";
import { listAll } from "../objects.ts";
import { removeProbers } from "../verify/probers.ts";
import { readyNodes } from "../verify/run.ts";
import { makeLoadPods, runLoad } from "./load-pods.ts";
import type { Account, Loss } from "./losses.ts";
import { followPodLives } from "./pod-lives.ts";

const startMs = 60_000;
const removeMs = 30_000;
/** How long requests go on when all old pods are gone. */
const tailMs = 500;

export interface ProofRequest {
  readonly deployment: Deployment;
  /** Of all nodes together, in a second. */
  readonly rps: number;
  readonly path: string;
  readonly clock: Clock;
  readonly say: (text: string) => Promise<void>;
  /** Begins the rollout, resolves when it is done; throws where it fails. */
  readonly roll: () => Promise<void>;
}

/** Leaves nothing behind but the rollout. */
export async function proveRollout(
  connection: Connection,
  { deployment, rps, path, clock, say, roll }: ProofRequest,
  signal: AbortSignal,
): Promise<Omit<Account, "what">> {
  const url = await urlOf(connection, { deployment, path }, signal);
  const nodes = (await readyNodes(connection, signal)).map(({ name }) => name);
  const namespace = `podwire-prove-${randomBytes(4).toString("hex")}`;
  const watching = new AbortController();
  const enough = new AbortController();
  try {
    await makeLoadPods(connection, namespace, nodes, AbortSignal.any([signal, AbortSignal.timeout(startMs)]));
    const pods = followPodLives(connection, { deployment, clock }, AbortSignal.any([signal, watching.signal]));
    await pods.synced;
    await say(`Asking ${url} ${rps} times a second from ${nodes.length} nodes`);
    const losses: Loss[] = [];
    let [sent, begun] = [0, 0];
    const beginning = Promise.withResolvers<void>();
    const loads = Promise.all(
      nodes.map(async (node) => {
        const run = { namespace, node, url, rps: rps / nodes.length, enough: enough.signal };
        for await (const line of runLoad(connection, run, signal)) {
          if (line.type === "begun" && ++begun === nodes.length) beginning.resolve();
          if (line.type === "lost") losses.push({ node, atMs: line.atMs, why: line.why });
          if (line.type === "sum") sent += line.sent;
        }
      }),
    );
    await Promise.race([beginning.promise, loads]);
    const beganMs = clock.wallMs();
    await Promise.race([
      (async () => {
        await roll();
        await pods.allGone();
        await clock.sleep(tailMs, signal);
      })(),
      loads.then(() => {
        throw new AppError("internal", "the requests ended before the rollout did");
      }),
      pods.ended,
    ]);
    enough.abort();
    await loads;
    return { rps, nodeCount: nodes.length, sent, losses, lives: pods.lives, beganMs };
  } finally {
    enough.abort();
    watching.abort();
    await say("Removing the pods that asked");
    await removeProbers(connection, namespace, removeMs);
  }
}

/** Of the Service in front of the pods. */
async function urlOf(
  connection: Connection,
  { deployment, path }: Pick<ProofRequest, "deployment" | "path">,
  signal: AbortSignal,
): Promise<string> {
  const { namespace = "", name } = deployment.metadata ?? {};
  const labels = deployment.spec?.template?.metadata?.labels ?? {};
  const kind = serviceKind as unknown as Kind;
  const services = (await listAll(connection, { kind, namespace }, signal)).map(({ object }) => object as Service);
  const front = services.find(({ spec }) => {
    const pairs = Object.entries(spec?.selector ?? {});
    const tcp = spec?.ports.some(({ protocol }) => protocol === "TCP") ?? false;
    return tcp && pairs.length > 0 && !isHeadless(spec) && pairs.every(([key, value]) => labels[key] === value);
  });
  if (front === undefined) {
    const how = `make one, as by podwire expose deploy/${name} --port=80 --target-port=8080`;
    throw new AppError(
      "failed-precondition",
      `no Service with an address is in front of deployment ${JSON.stringify(name)}: ${how}`,
    );
  }
  const port = front.spec?.ports.find(({ protocol }) => protocol === "TCP")?.port ?? 80;
  return `http://${front.spec?.clusterIP}:${port}${path}`;
}
