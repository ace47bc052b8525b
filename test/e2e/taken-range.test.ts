/* An agent on a host whose own routes collide with the cluster's ranges. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { until } from "../support/until.ts";

describe("an agent on a host with a route of its own in the cluster's ranges", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 1 });
  });

  after(() => cluster[Symbol.asyncDispose]());

  // By the sandbox, whose life is longer than the agent's.
  const route = (verb: "add" | "del") =>
    promisify(execFile)("nsenter", [
      ...["--target", String(cluster.pids.init), "--mount", "--"],
      ...["ip", "-netns", "node-1", "route", verb, "unreachable", "10.244.77.0/24"],
    ]);
  const log = () => readFileSync(join(cluster.dir, "logs", "node-1.log"), "utf8");
  const refusals = () => log().match(/"level":60.*this host's own route 10\.244\.77\.0\/24/g)?.length ?? 0;

  it("ends with the reason, and works once the route is gone", async () => {
    await route("add");
    process.kill(cluster.pids.agent("node-1"), "SIGKILL");
    // It refuses each time that it is started.
    await until(() => refusals() >= 2, "two refusals", 20_000);
    assert.match(log(), /start the control plane with another --pod-cidr, or remove the route/);
    await cluster.run("wait", "--for=condition=Ready=Unknown", "node/node-1", "--timeout=20s");
    await route("del");
    await cluster.run("wait", "--for=condition=Ready", "node/node-1", "--timeout=20s");
  });
});
