/* What a control plane tells Prometheus: what it keeps, who is there, and the numbers that `top` prints. */

import { kinds } from "#core/objects/kinds.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { byReason, type Family, type Sample } from "#process/prometheus.ts";
import type { Usage } from "#proto/podwire/v1/metrics.ts";
import type { EventRecorder } from "../events/recorder.ts";
import type { SessionTable } from "../sessions/table.ts";
import { listObjects, nameOf } from "../state/objects.ts";
import type { Store } from "../store/store.ts";
import type { NewestMetrics } from "./newest.ts";

export interface ControlPlaneFacts {
  readonly store: Store;
  readonly sessions: SessionTable;
  readonly metrics: NewestMetrics;
  readonly events: EventRecorder;
}

export function controlPlaneFamilies({ store, sessions, metrics, events }: ControlPlaneFacts): Family[] {
  const nodes = listObjects(store, nodeKind).map(({ object }) => nameOf(object));
  const nodeUsages = nodes.flatMap((node) => usageSamples({ node }, metrics.node(node)?.usage));
  const containers = listObjects(store, podKind).flatMap(({ object: { metadata, spec } }) => {
    const { namespace = "", name: pod = "", uid = "" } = metadata ?? {};
    const measured = metrics.pod(spec?.nodeName ?? "", uid);
    return (measured?.containers ?? []).flatMap(({ name, usage }) => usageSamples({ namespace, pod, container: name }, usage));
  });
  return [
    { name: "podwire_store_revision", help: "Of the store", samples: [{ value: store.revision }] },
    {
      ...{ name: "podwire_objects", help: "Objects in the store, by kind" },
      samples: kinds.map((kind) => ({ labels: { kind: kind.kind }, value: listObjects(store, kind).length })),
    },
    {
      ...{ name: "podwire_node_live", help: "Whether the node's agent has a session and was heard of lately" },
      samples: nodes.map((node) => ({ labels: { node }, value: sessions.isLive(node) ? 1 : 0 })),
    },
    {
      ...{ name: "podwire_dropped_events_total", help: "Events that were not written, by the reason" },
      samples: byReason({ ...events.drops }),
    },
    ...usageFamilies("podwire_node", "the node's pods and its agent", nodeUsages),
    ...usageFamilies("podwire_container", "the container", containers),
  ];
}

interface UsageSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly usage: Usage;
}

function usageSamples(labels: UsageSample["labels"], usage: Usage | undefined): UsageSample[] {
  return usage === undefined ? [] : [{ labels, usage }];
}

function usageFamilies(prefix: string, whose: string, used: readonly UsageSample[]): Family[] {
  const samples = (of: (usage: Usage) => number): Sample[] => used.map(({ labels, usage }) => ({ labels, value: of(usage) }));
  return [
    {
      ...{ name: `${prefix}_cpu_usage_cores`, help: `What ${whose} used of the processors, the mean of the last seconds` },
      samples: samples(({ usageNanoCores }) => usageNanoCores / 1e9),
    },
    {
      ...{ name: `${prefix}_cpu_usage_seconds_total`, help: `Processor time of ${whose}` },
      samples: samples(({ usageCoreSeconds }) => usageCoreSeconds),
    },
    {
      ...{ name: `${prefix}_memory_working_set_bytes`, help: `Memory of ${whose}` },
      samples: samples(({ workingSetBytes }) => workingSetBytes),
    },
  ];
}
