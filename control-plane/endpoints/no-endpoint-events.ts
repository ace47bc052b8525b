/* Says in an Event when a Service has had nobody to answer for a while: whoever connects is refused at once, which looks like a broken
 * server. What it remembers is since when, and what it said. */

import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import { podKind } from "#core/objects/pod.ts";
import { serviceKind } from "#core/objects/service.ts";
import { serviceNameLabel } from "#core/services/labels.ts";
import type { Pod, Service } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, referenceTo } from "../events/recorder.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { listObjects, metadataOf } from "../state/objects.ts";
import type { Store } from "../store/store.ts";
import { podsByLabel } from "./selected-pods.ts";
import { hasManagedSlices } from "./wanted-endpoints.ts";

/** Pods that are made with their Service need a moment. */
export const patienceMs = 3_000;

export function noEndpointEvents({ store, clock, events }: Surroundings & { readonly events: EventRecorder }): Loop {
  /** By a Service's uid. */
  const silent = new Map<string, { readonly sinceMs: number; told: boolean }>();
  return {
    name: "events of Services without endpoints",
    prefixes: ["services/", "endpointslices/"],
    async run() {
      const nowMs = clock.monotonicMs();
      const served = servedServices(store);
      const managed = listObjects(store, serviceKind).filter(({ object }) => hasManagedSlices(object));
      const unserved = managed.filter(({ key }) => !served.has(key.slice(`${serviceKind.plural}/`.length)));
      const uids = new Set(unserved.map(({ object }) => metadataOf(object).uid ?? ""));
      for (const uid of silent.keys()) if (!uids.has(uid)) silent.delete(uid);
      let nextMs: number | undefined;
      for (const { object } of unserved) {
        const uid = metadataOf(object).uid ?? "";
        const known = silent.get(uid) ?? { sinceMs: nowMs, told: false };
        silent.set(uid, known);
        if (known.told) continue;
        const leftMs = known.sinceMs + patienceMs - nowMs;
        if (leftMs > 0) {
          nextMs = Math.min(nextMs ?? leftMs, leftMs);
          continue;
        }
        known.told = true;
        const message = whyNobodyAnswers(object, selectedBy(store, object));
        const about = referenceTo(serviceKind, object);
        events.record({ about, type: "Warning", reason: "NoEndpoints", message, component: "endpoint-slice-controller" });
      }
      return nextMs;
    },
  };
}

/** namespace/name of each that has an endpoint which serves. */
function servedServices(store: Store): ReadonlySet<string> {
  const serving = listObjects(store, endpointSliceKind).filter(({ object }) =>
    object.endpoints.some(({ conditions }) => conditions?.serving !== false || conditions.ready === true),
  );
  return new Set(serving.map(({ object: { metadata } }) => `${metadata?.namespace}/${metadata?.labels[serviceNameLabel]}`));
}

function selectedBy(store: Store, { metadata, spec }: Service): readonly Pod[] {
  const namespace = metadata?.namespace ?? "";
  const pods = listObjects(store, podKind, namespace).map(({ object }) => object);
  return podsByLabel(pods).selected(namespace, spec?.selector ?? {});
}

/** `selected` are the pods that it selects. */
export function whyNobodyAnswers({ spec }: Service, selected: readonly Pod[]): string {
  const labels = Object.entries(spec?.selector ?? {}).map(([key, value]) => `${key}=${value}`);
  const until = "whoever connects is refused until one is";
  if (selected.length === 0) return `no pod has the labels ${labels.join(",")}: ${until}`;
  const whose = selected.length === 1 ? "the one pod" : `none of the ${selected.length} pods`;
  return `${whose} with the labels ${labels.join(",")} is ${selected.length === 1 ? "not ready" : "ready"}: ${until}`;
}
