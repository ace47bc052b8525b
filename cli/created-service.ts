/* The Service that `create service TYPE NAME` makes of its flags. */

import { type Command, Option } from "commander";
import type { JsonObject } from "#core/json.ts";
import { integerFlag } from "./duration.ts";
import { UsageError } from "./usage-error.ts";

export interface ServiceFlags {
  /** PORT or PORT:TARGET; several times or parted by commas. */
  readonly tcp?: readonly string[];
  readonly clusterip?: string;
  readonly nodePort?: number;
  readonly externalName?: string;
}

export function serviceFlags(command: Command): void {
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  command
    .addOption(new Option("--tcp <port[:target]>", "service: a port and the pods'; may be given again").argParser(collect))
    .option("--clusterip <address>", "service: its address, or None")
    .option("--node-port <port>", "service nodeport: the port of every node", integerFlag("--node-port"))
    .option("--external-name <name>", "service externalname: the name that it stands for");
}

const types: Readonly<Record<string, string>> = {
  clusterip: "ClusterIP",
  nodeport: "NodePort",
  loadbalancer: "LoadBalancer",
  externalname: "ExternalName",
};

export function createdService([how = "", ...rest]: readonly string[], flags: ServiceFlags): JsonObject {
  const type = types[how];
  if (type === undefined) {
    throw new UsageError(`want: create service (${Object.keys(types).join(" | ")}) NAME, not ${how || "nothing"}`, {
      inFlags: true,
    });
  }
  const [name] = rest;
  if (name === undefined || rest.length > 1)
    throw new UsageError(`exactly one NAME is required, got ${rest.length}`, { inFlags: true });
  const { tcp = [], clusterip, nodePort, externalName } = flags;
  const ports = tcp.flatMap((text) => text.split(",")).map(portOf);
  if (type === "ExternalName" && externalName === undefined)
    throw new UsageError('required flag(s) "external-name" not set', { inFlags: true });
  if (type !== "ExternalName" && ports.length === 0 && clusterip !== "None") {
    throw new UsageError("at least one tcp port specifier must be provided: --tcp=PORT[:TARGET]");
  }
  if (nodePort !== undefined && ports.length !== 1) throw new UsageError("--node-port goes with exactly one --tcp port");
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels: { app: name } },
    spec: {
      type,
      ...(ports.length === 0 ? {} : { ports: ports.map((port) => (nodePort === undefined ? port : { ...port, nodePort })) }),
      // An alias has no pods.
      ...(type === "ExternalName" ? { externalName: externalName ?? "" } : { selector: { app: name } }),
      ...(clusterip === undefined ? {} : { clusterIP: clusterip }),
    },
  };
}

function portOf(text: string): JsonObject {
  const [first = "", second = first, ...more] = text.split(":");
  const port = Number(first);
  if (!/^[0-9]+$/.test(first) || second === "" || more.length > 0) {
    throw new UsageError(`invalid port ${JSON.stringify(text)}: want PORT or PORT:TARGET, such as 80:8080 or 80:http`);
  }
  const targetPort = /^[0-9]+$/.test(second) ? Number(second) : second;
  return { name: text.replace(":", "-"), port, protocol: "TCP", targetPort };
}
