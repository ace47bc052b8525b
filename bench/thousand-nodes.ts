/* npm run bench:nodes [-- NODES,DEPLOYMENTS,PODS-OF-EACH]
 *
 * A thousand pretended nodes and ten Deployments of a thousand pods each, in one process with the control plane: prints how many seconds of the
 * clock on the wall it took until all nodes had joined and knew each other, from the Deployments' creation until all pods were Ready, and from a
 * kill of the control plane until every node had its snapshot from the next one; and what the process held. The nodes' own work counts, too.
 * V8's heap is kept to 600 MB (package.json): without a bound it grows as far as the machine has memory. */

import { deploymentKind } from "#core/objects/deployment.ts";
import { listObjects } from "../control-plane/state/objects.ts";
import { startClusterSimulation } from "../test/support/cluster-simulation.ts";

const [nodeCount, deployments, replicas] = (process.argv[2] ?? "1000,10,1000").split(",").map(Number) as [number, number, number];
const wallSecondsMax = 300;

await using simulation = await startClusterSimulation({
  seed: 1,
  nodeCount,
  timeScale: 1,
  podCidr: "10.128.0.0/10",
  keepsPeers: false,
});
const liveMs = performance.now();
setTimeout(() => {
  process.stderr.write(`not done after ${wallSecondsMax} s: ${ready()} of ${deployments * replicas} pods are Ready\n`);
  process.exit(1);
}, wallSecondsMax * 1_000).unref();
for (let second = 0; second < 3; second++) await simulation.second();
const joinedMs = performance.now();
const manifests = Array.from({ length: deployments }, (_, i) => {
  const labels = { app: `app-${i}` };
  const template = { metadata: { labels }, spec: { containers: [{ name: "main", image: "podwire/toolbox" }] } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  return {
    json: JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: `app-${i}` }, spec }),
    source: "",
  };
});
const problem = await simulation.user(({ create }, context) =>
  create({ manifests, namespace: "default", validate: "", dryRun: false }, context),
);
if (problem !== "") throw new Error(problem);
let seconds = 0;
while (ready() < deployments * replicas) {
  seconds += 1;
  await simulation.second();
}
const tookSeconds = (performance.now() - joinedMs) / 1000;
const readyMs = performance.now();
await simulation.killControlPlane();
do await simulation.second();
while (!simulation.nodes.every(({ isSynced }) => isSynced));
const restartSeconds = (performance.now() - readyMs) / 1000;
const residentMiB = process.memoryUsage().rss / 2 ** 20;
process.stdout.write(
  `${JSON.stringify({ joinSeconds: (joinedMs - liveMs) / 1000, tookSeconds, clusterSeconds: seconds, restartSeconds, residentMiB })}\n`,
);

function ready(): number {
  return listObjects(simulation.store, deploymentKind).reduce((sum, { object }) => sum + (object.status?.readyReplicas ?? 0), 0);
}
