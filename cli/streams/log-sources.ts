/* Whose logs a command line asks for: one container's, all of a pod's, or those of the pods that a selector finds. */

import { podKind } from "#core/objects/pod.ts";
import { allContainers, defaultContainer } from "#core/objects/pod-containers.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { listAll } from "../objects.ts";
import { type ChoiceContext, getPod } from "./one-container.ts";

export interface LogSource {
  readonly pod: string;
  readonly container: string;
}

export interface LogQuery {
  readonly namespace: string;
  readonly from: { readonly pod: string } | { readonly selector: string };
  /** "" where the user named none. */
  readonly container: string;
  readonly allContainers: boolean;
}

export async function findLogSources(query: LogQuery, context: ChoiceContext): Promise<LogSource[]> {
  const { connection, printer, signal } = context;
  const { namespace, from, container } = query;
  // The one case that needs no look at the pod: the server knows whether it has such a container.
  if ("pod" in from && container !== "") return [{ pod: from.pod, container }];
  const pods =
    "pod" in from
      ? [await getPod(connection, namespace, from.pod, signal)]
      : (await listAll(connection, { kind: podKind, namespace, labelSelector: from.selector }, signal)).map(
          ({ object }) => object as Pod,
        );
  const sources: LogSource[] = [];
  for (const pod of pods) {
    const { names, notes } = namesIn(pod, query);
    for (const note of notes) await printer.printError(`${note}\n`);
    sources.push(...names.map((name) => ({ pod: pod.metadata?.name ?? "", container: name })));
  }
  return sources;
}

function namesIn(pod: Pod, query: LogQuery): { readonly names: readonly string[]; readonly notes: readonly string[] } {
  if (query.container !== "") return { names: [query.container], notes: [] };
  if (query.allContainers) return { names: allContainers(pod).map(({ name }) => name ?? ""), notes: [] };
  const { name, notes } = defaultContainer(pod);
  return { names: [name], notes };
}
