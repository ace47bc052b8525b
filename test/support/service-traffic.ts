/* Requests without end at a Service, each over a connection of its own, and the account of them. */

import { randomBytes } from "node:crypto";
import type { Cluster } from "./cluster.ts";
import { nodeInPod, podOf } from "./pod-manifests.ts";
import { until } from "./until.ts";

export interface Account {
  readonly sent: number;
  /** Who answered, and how often. */
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

const requestsMax = 20_000;

/** Runs in a pod, until there is a certain file; a request every 5 ms, at most. */
const program = `
const { request } = require("node:http");
const { existsSync } = require("node:fs");
const [, url, end] = process.argv;
const answers = {}, failures = [];
let sent = 0, open = 0, over = false;
const startedMs = Date.now();
const timer = setInterval(() => {
  over ||= sent >= ${requestsMax} || existsSync(end);
  if (over && open === 0) finish();
  if (over) return;
  sent += 1;
  open += 1;
  let settled = false;
  const settle = (note) => {
    if (settled) return;
    settled = true;
    open -= 1;
    note();
  };
  const failed = (error) => settle(() => failures.push(Date.now() - startedMs + " ms: " + (error.code || error.message)));
  const call = request(url, { agent: false, timeout: 3000 }, (response) => {
    let text = "";
    response.on("data", (chunk) => { text += chunk; });
    response.on("end", () => settle(() => { answers[text] = (answers[text] || 0) + 1; }));
    response.on("error", failed);
  });
  call.on("timeout", () => call.destroy(new Error("timeout")));
  call.on("error", failed);
  call.end();
}, 5);
function finish() { clearInterval(timer); console.log(JSON.stringify({ sent, answers, failures })); process.exit(0); }
console.log("begun");
`;

export interface Requests {
  /** Ends them. */
  account(): Promise<Account>;
}

/** From a pod of their own: an exec would end with the agent that serves it. */
export async function startRequests(cluster: Cluster, node: string, url: string): Promise<Requests> {
  const name = `requests-${randomBytes(3).toString("hex")}`;
  const end = "/tmp/end";
  const command = [nodeInPod, "-e", program, url, end];
  await cluster.apply(podOf({ name, node, command, spec: { restartPolicy: "Never" } }));
  const said = async () => (await cluster.podwire("logs", name)).stdout;
  await until(async () => (await said()).includes("begun"), "the first request");
  return {
    async account() {
      await cluster.run("exec", name, "--", "touch", end);
      await until(async () => (await cluster.pod(name)).status?.phase === "Succeeded", "the last answer");
      const [, line = ""] = (await said()).split("\n");
      await cluster.run("delete", "pod", name);
      return JSON.parse(line) as Account;
    },
  };
}
