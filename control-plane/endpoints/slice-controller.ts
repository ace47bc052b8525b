/* Keeps the EndpointSlices of Services that have a selector. Decisions are wanted-endpoints.ts and plan-slices.ts; this reads and writes. */

import { type Clock, timestamp } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { serviceKind } from "#core/objects/service.ts";
import { managedByLabel, serviceNameLabel, zoneLabel } from "#core/services/labels.ts";
import type { EndpointSlice, Node, Pod, Service } from "#proto/podwire/v1/resources.ts";
import type { Ids } from "../ids.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { type Found, listObjects, metadataOf, nameOf, putObject, unchanged } from "../state/objects.ts";
import type { Check, Commit, Store } from "../store/store.ts";
import { managedBy, planSlices } from "./plan-slices.ts";
import { podsByLabel } from "./selected-pods.ts";
import { hasManagedSlices, wantedEndpoints } from "./wanted-endpoints.ts";

export function sliceController({ store, clock, log }: Surroundings, ids: Ids): Loop {
  /** What each Service's slices were planned from the last time: where all of it is the same there is nothing to plan. */
  const planned = new Map<string, readonly unknown[]>();
  return {
    name: "endpoint slices",
    prefixes: ["services/", "endpointslices/", "pods/", "nodes/"],
    async run() {
      const { services, slices, pods, nodes } = readAll(store);
      const zones = zonesOf(nodes);
      const zonesText = JSON.stringify([...zones]);
      const index = podsByLabel(pods);
      const commits: Commit[] = [];
      for (const [key, service] of services) {
        if (!hasManagedSlices(service.object)) {
          planned.delete(key);
          if (isAlias(service.object)) commits.push(...removals(slices.get(key) ?? []));
          continue;
        }
        const { namespace = "" } = metadataOf(service.object);
        const own = slices.get(key) ?? [];
        const selected = index.selected(namespace, service.object.spec?.selector ?? {});
        const basis = [service.object, zonesText, own.length, ...own.map(({ entry }) => entry), ...selected];
        if (sameItems(planned.get(key), basis)) continue;
        planned.set(key, basis);
        commits.push(...commitsFor({ service, own, pods: selected, zones, ids, clock }));
      }
      for (const [key, orphans] of slices) {
        if (services.has(key)) continue;
        planned.delete(key);
        commits.push(...removals(orphans));
      }
      const outcomes = await Promise.allSettled(commits.map((commit) => store.commit(commit)));
      for (const outcome of outcomes) {
        if (outcome.status === "fulfilled") continue;
        // Whoever wrote first has woken this loop again, which must not believe that the plan was carried out.
        planned.clear();
        if (!isAppError(outcome.reason, "conflict")) throw outcome.reason;
      }
      if (commits.length > 0) log.debug({ commits: commits.length }, "endpoint slices changed");
      return undefined;
    },
  };
}

interface Everything {
  /** By namespace/name. */
  readonly services: ReadonlyMap<string, Found<Service>>;
  /** Ours, by the namespace/name of their Service. */
  readonly slices: ReadonlyMap<string, readonly Found<EndpointSlice>[]>;
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
}

function readAll(store: Store): Everything {
  const services = listObjects(store, serviceKind).map((found) => [pathOf(found), found] as const);
  const slices = listObjects(store, endpointSliceKind).filter(
    ({ object }) => metadataOf(object).labels[managedByLabel] === managedBy,
  );
  return {
    services: new Map(services),
    slices: Map.groupBy(slices, ({ object: { metadata } }) => `${metadata?.namespace}/${metadata?.labels[serviceNameLabel]}`),
    pods: listObjects(store, podKind).map(({ object }) => object),
    nodes: listObjects(store, nodeKind).map(({ object }) => object),
  };
}

function pathOf({ object }: Found<Service>): string {
  return `${object.metadata?.namespace}/${object.metadata?.name}`;
}

function isAlias({ spec }: Service): boolean {
  return spec?.type === "ExternalName";
}

function zonesOf(nodes: readonly Node[]): ReadonlyMap<string, string> {
  return new Map(nodes.map((node) => [nameOf(node), node.metadata?.labels[zoneLabel] ?? ""]));
}

function sameItems(before: readonly unknown[] | undefined, now: readonly unknown[]): boolean {
  return before !== undefined && before.length === now.length && now.every((item, i) => item === before[i]);
}

interface CommitInput {
  readonly service: Found<Service>;
  readonly own: readonly Found<EndpointSlice>[];
  readonly pods: readonly Pod[];
  readonly zones: ReadonlyMap<string, string>;
  readonly ids: Ids;
  readonly clock: Clock;
}

/** One commit for all of a Service's slices, so that no endpoint is in two of them or in none. */
function commitsFor({ service, own, pods, zones, ids, clock }: CommitInput): Commit[] {
  const groups = wantedEndpoints({ service: service.object, pods, zones });
  const plan = planSlices({ service: service.object, groups, slices: own.map(({ object }) => object) });
  const found = new Map(own.map((slice) => [slice.object, slice]));
  const stand: Check[] = [{ key: service.key, is: "present" }, ...own.map(({ entry }) => unchanged(entry))];
  const created = plan.create.map((slice) => named(slice, { ids, clock }));
  const keys = created.map(({ metadata }) => keyOf(endpointSliceKind, metadata?.namespace, metadata?.name ?? ""));
  const changed = plan.update.map((slice) => withGeneration(slice));
  const writes = [
    ...[...created, ...changed].map((slice) => putObject(endpointSliceKind, slice)),
    ...plan.remove.flatMap((slice) => {
      const key = found.get(slice)?.key;
      return key === undefined ? [] : [{ type: "delete", key } as const];
    }),
  ];
  return writes.length === 0 ? [] : [{ checks: [...stand, ...keys.map((key) => ({ key, is: "absent" }) as const)], writes }];
}

function named(slice: EndpointSlice, { ids, clock }: { readonly ids: Ids; readonly clock: Clock }): EndpointSlice {
  const metadata = metadataOf(slice);
  return {
    ...slice,
    metadata: {
      ...metadata,
      name: `${metadata.generateName}${ids.nameSuffix()}`,
      uid: ids.uid(),
      generation: 1,
      creationTimestamp: timestamp(clock),
    },
  };
}

function withGeneration(slice: EndpointSlice): EndpointSlice {
  const metadata = metadataOf(slice);
  return { ...slice, metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 } };
}

function removals(slices: readonly Found<EndpointSlice>[]): Commit[] {
  return slices.map(({ key, entry }) => ({ checks: [unchanged(entry)], writes: [{ type: "delete", key }] }));
}
