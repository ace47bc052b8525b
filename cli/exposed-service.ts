/* The Service that `expose` makes of what is exposed and of its flags. Pure. */

import type { JsonObject } from "#core/json.ts";
import { podKind } from "#core/objects/pod.ts";
import { serviceKind } from "#core/objects/service.ts";
import type { Deployment, Pod, Service } from "#proto/podwire/v1/resources.ts";
import type { Item } from "./objects.ts";
import { UsageError } from "./usage-error.ts";

export interface ExposeFlags {
  readonly name?: string;
  readonly ports: readonly number[];
  /** A number or a name. */
  readonly targetPort?: string;
  readonly protocol: string;
  readonly type: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly clusterIp?: string;
  readonly sessionAffinity?: string;
}

interface Exposed {
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

export function exposedService(item: Item, flags: ExposeFlags): JsonObject {
  const { name = "", namespace = "", labels = {} } = item.object.metadata ?? {};
  const found = exposedIn(item);
  const selector = flags.selector ?? found.selector;
  if (Object.keys(selector).length === 0) {
    throw new UsageError(
      `couldn't retrieve selectors via --selector flag or introspection: ${item.kind.singular} ${name} has no labels`,
    );
  }
  const ports = flags.ports.length > 0 ? flags.ports.map((port) => ({ port, protocol: flags.protocol })) : found.ports;
  if (ports.length === 0) throw new UsageError("couldn't find port via --port flag or introspection");
  const target = flags.targetPort;
  const targetPort = target !== undefined && /^[0-9]+$/.test(target) ? Number(target) : target;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: flags.name ?? name, namespace, labels: flags.labels ?? labels },
    spec: {
      type: flags.type,
      selector,
      ports: ports.map((port, i) => ({
        ...port,
        ...(ports.length > 1 ? { name: `port-${i + 1}` } : {}),
        ...(targetPort === undefined ? {} : { targetPort }),
      })),
      ...(flags.clusterIp === undefined ? {} : { clusterIP: flags.clusterIp }),
      ...(flags.sessionAffinity === undefined ? {} : { sessionAffinity: flags.sessionAffinity }),
    },
  };
}

function exposedIn({ kind, object }: Item): Exposed {
  if (kind.kind === podKind.kind) {
    const { metadata, spec } = object as Pod;
    const ports = (spec?.containers ?? []).flatMap((container) => container.ports);
    return {
      selector: metadata?.labels ?? {},
      ports: ports.map(({ containerPort = 0, protocol = "TCP" }) => ({ port: containerPort, protocol })),
    };
  }
  if (kind.kind === serviceKind.kind) {
    const { spec } = object as Service;
    const ports = (spec?.ports ?? []).map(({ port = 0, protocol = "TCP" }) => ({ port, protocol }));
    return { selector: spec?.selector ?? {}, ports };
  }
  const { spec } = object as Deployment;
  if (spec?.template !== undefined) {
    const ports = (spec.template.spec?.containers ?? []).flatMap((container) => container.ports);
    return {
      selector: spec.selector?.matchLabels ?? {},
      ports: ports.map(({ containerPort = 0, protocol = "TCP" }) => ({ port: containerPort, protocol })),
    };
  }
  throw new UsageError(`cannot expose a ${kind.kind}`);
}
