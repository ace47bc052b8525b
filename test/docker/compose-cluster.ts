/* The cluster that docker-compose.yml describes, brought up by testcontainers in a project of its own, and whoever uses it from outside:
 * the CLI and the gRPC client, over the published port. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerComposeEnvironment } from "testcontainers";
import { isAppError } from "#core/errors.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { EndpointSlice, Node, Pod, Resource, Service } from "#proto/podwire/v1/resources.ts";
import { createRpcClient, type RpcClient } from "#rpc/client.ts";
import type { CliResult } from "../support/cli.ts";
import { cleanEnv, runPodwire } from "../support/podwire.ts";
import { until } from "../support/until.ts";
import { docker } from "./docker.ts";
import { image } from "./image.ts";

const root = join(import.meta.dirname, "..", "..");

type Content = NonNullable<Resource["object"]>;
type Case = Content["$case"];
type Of<C extends Case> = Extract<Content, { readonly $case: C }>["value"];

export interface ComposeCluster extends AsyncDisposable {
  readonly project: string;
  readonly client: RpcClient<typeof ClusterService>;
  /** Runs the CLI outside of the containers. */
  podwire(...args: readonly string[]): Promise<CliResult>;
  /** Its standard output; throws where the exit code isn't 0. */
  run(...args: readonly string[]): Promise<string>;
  /** `docker compose ARGS…` on this project. */
  compose(...args: readonly string[]): Promise<string>;
  /** The whole name of the container of a service and a number. */
  container(name: string): string;
  readonly network: string;
  nodes(): Promise<Node[]>;
  node(name: string): Promise<Node>;
  pods(): Promise<Pod[]>;
  pod(name: string): Promise<Pod>;
  service(name: string): Promise<Service>;
  slices(service: string): Promise<EndpointSlice[]>;
  /** Resolves when the nodes that are Ready are these. */
  readyNodes(...names: readonly string[]): Promise<void>;
  readyPods(...names: readonly string[]): Promise<void>;
  apply(manifest: object): Promise<void>;
  /** Runs a program in a pod; its standard output. */
  exec(pod: string, ...argv: readonly string[]): Promise<string>;
}

export async function startComposeCluster(): Promise<ComposeCluster> {
  const project = `podwire-test-${randomBytes(3).toString("hex")}`;
  // Any free port.
  const env = { PODWIRE_PORT: "0", PODWIRE_IMAGE: image, COMPOSE_PROGRESS: "plain" };
  await new DockerComposeEnvironment(root, "docker-compose.yml")
    .withProjectName(project)
    .withEnvironment(env)
    .withBuild()
    .withAutoCleanup(false)
    .up();
  const folder = mkdtempSync(join(tmpdir(), "podwire-docker-"));
  const tokenFile = join(folder, "token");
  const compose = (...args: readonly string[]) =>
    docker(["compose", "--project-directory", root, "--project-name", project, ...args], env);
  await compose("cp", "control-plane:/var/lib/podwire/store/user-token", tokenFile);

  let known: RpcClient<typeof ClusterService> | undefined;
  let address = "";
  /** A container that starts anew is published under another port, where any was asked for. */
  const find = async () => {
    known?.[Symbol.dispose]();
    address = await compose("port", "control-plane", "7443");
    const authorization = `Bearer ${readFileSync(tokenFile, "utf8").trim()}`;
    known = createRpcClient(ClusterService, { address, metadata: { authorization } });
  };
  await find();
  const podwire: ComposeCluster["podwire"] = (...args) =>
    runPodwire(args, { env: cleanEnv({ PODWIRE_SERVER: address, PODWIRE_TOKEN_FILE: tokenFile }) });
  const run: ComposeCluster["run"] = async (...args) => {
    const { code, stdout, stderr } = await podwire(...args);
    assert.equal(code, 0, `podwire ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  };
  const signal = () => AbortSignal.timeout(10_000);
  const client = () => known ?? assert.fail("it is not up");
  const list = async <C extends Case>(kind: C, namespace = "", labelSelector = ""): Promise<Of<C>[]> => {
    const request = { kind: kind as string, namespace, labelSelector, fieldSelector: "" };
    const items: Of<C>[] = [];
    for await (const batch of client().list(request, { signal: signal() })) {
      for (const { object } of batch.items) if (object?.$case === kind) items.push(object.value as Of<C>);
    }
    return items;
  };
  const get = async <C extends Case>(kind: C, name: string, namespace = ""): Promise<Of<C>> => {
    const { object } = await client().get({ kind: kind as string, namespace, name }, { signal: signal() });
    assert.equal(object?.$case, kind);
    return object?.value as Of<C>;
  };
  /** None while the control plane is away. */
  const readyNames = async (kind: "node" | "pod") => {
    const found = await list(kind).catch((error) => {
      if (isAppError(error, "unavailable", "timeout")) return [];
      throw error;
    });
    return found.filter(isReady).map(({ metadata }) => metadata?.name ?? "");
  };

  return {
    project,
    podwire,
    run,
    get client() {
      return client();
    },
    async compose(...args) {
      const answer = await compose(...args);
      if (["restart", "start", "up"].includes(args[0] ?? "")) await find();
      return answer;
    },
    container: (name) => `${project}-${name}`,
    network: `${project}_hosts`,
    nodes: () => list("node"),
    node: (name) => get("node", name),
    pods: () => list("pod", "default"),
    pod: (name) => get("pod", name, "default"),
    service: (name) => get("service", name, "default"),
    slices: (service) => list("endpointSlice", "default", `kubernetes.io/service-name=${service}`),
    async readyNodes(...names) {
      const wanted = names.toSorted().join();
      await until(
        async () => (await readyNames("node")).toSorted().join() === wanted,
        `the Ready nodes to be ${wanted}`,
        45_000,
        100,
      );
    },
    async readyPods(...names) {
      const ready = async () => {
        const now = await readyNames("pod");
        return names.every((name) => now.includes(name));
      };
      await until(ready, `${names.join(", ")} to be Ready`, 60_000, 100);
    },
    async apply(manifest) {
      const manifests = [{ json: JSON.stringify(manifest), source: "" }];
      await client().apply({ manifests, namespace: "default", validate: "", dryRun: false }, { signal: signal() });
    },
    exec: (pod, ...argv) => run("exec", pod, "--", ...argv),
    async [Symbol.asyncDispose]() {
      known?.[Symbol.dispose]();
      await compose("down", "--volumes", "--timeout", "5");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function isReady({ status }: Node | Pod): boolean {
  return status?.conditions.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}
