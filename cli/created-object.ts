/* The objects that `create KIND NAME` makes of its flags. */

import { isUtf8 } from "node:buffer";
import type { JsonObject } from "#core/json.ts";
import { createdService, type ServiceFlags } from "./created-service.ts";
import { type DataSources, readDataSources } from "./data-sources.ts";
import { UsageError } from "./usage-error.ts";

export interface CreateFlags extends DataSources, ServiceFlags {
  readonly type?: string;
}

/** From the words after `create`, such as `secret generic password`. */
export async function createdObject(words: readonly string[], flags: CreateFlags): Promise<JsonObject> {
  const [kind = "", ...rest] = words;
  switch (kind) {
    case "namespace":
    case "ns":
      return { apiVersion: "v1", kind: "Namespace", metadata: { name: oneName(rest) } };
    case "configmap":
    case "cm":
      return configMap(oneName(rest), flags);
    case "secret":
      return secret(rest, flags);
    case "service":
    case "svc":
      return createdService(rest, flags);
    default:
      throw new UsageError(
        `Unexpected args: [${words.join(" ")}]: want namespace NAME, configmap NAME, secret generic NAME, service TYPE NAME, or files: -f ${kind}`,
        { inFlags: true },
      );
  }
}

function oneName(words: readonly string[]): string {
  const [name] = words;
  if (name === undefined || words.length > 1)
    throw new UsageError(`exactly one NAME is required, got ${words.length}`, { inFlags: true });
  return name;
}

/** What is no text goes into binaryData. */
async function configMap(name: string, flags: CreateFlags): Promise<JsonObject> {
  const entries = [...(await readDataSources(flags))];
  const text = entries.filter(([, bytes]) => isUtf8(bytes)).map(([key, bytes]) => [key, bytes.toString("utf8")]);
  const binary = entries.filter(([, bytes]) => !isUtf8(bytes)).map(([key, bytes]) => [key, bytes.toString("base64")]);
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name },
    ...(text.length === 0 ? {} : { data: Object.fromEntries(text) }),
    ...(binary.length === 0 ? {} : { binaryData: Object.fromEntries(binary) }),
  };
}

async function secret([how, ...rest]: readonly string[], flags: CreateFlags): Promise<JsonObject> {
  if (how !== "generic") {
    throw new UsageError(
      `want: create secret generic NAME; podwire makes no other secrets from flags (use create -f for ${how ?? "them"})`,
      {
        inFlags: true,
      },
    );
  }
  const name = oneName(rest);
  const data = [...(await readDataSources(flags))].map(([key, bytes]) => [key, bytes.toString("base64")]);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name },
    ...(flags.type === undefined ? {} : { type: flags.type }),
    ...(data.length === 0 ? {} : { data: Object.fromEntries(data) }),
  };
}
