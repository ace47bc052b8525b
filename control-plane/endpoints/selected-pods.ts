/* Which pods a selector of labels selects, found by the label that the fewest pods have instead of by a look at each. Pure. */

import type { Pod } from "#proto/podwire/v1/resources.ts";

export interface PodsByLabel {
  /** In the order that they were given; none for an empty selector. */
  selected(namespace: string, selector: Readonly<Record<string, string>>): readonly Pod[];
}

export function podsByLabel(pods: readonly Pod[]): PodsByLabel {
  // Made for the first question: where nobody selects anything there is none.
  let index: ReadonlyMap<string, readonly Pod[]> | undefined;
  return {
    selected(namespace, selector) {
      const lists = index ?? indexOf(pods);
      index = lists;
      const pairs = Object.entries(selector);
      const candidates = pairs.map(([key, value]) => lists.get(labelKey(namespace, key, value)) ?? []);
      const [fewest = []] = candidates.toSorted((a, b) => a.length - b.length);
      return fewest.filter((pod) => pairs.every(([key, value]) => pod.metadata?.labels[key] === value));
    },
  };
}

function indexOf(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const lists = new Map<string, Pod[]>();
  for (const pod of pods) {
    for (const [key, value] of Object.entries(pod.metadata?.labels ?? {})) {
      const text = labelKey(pod.metadata?.namespace ?? "", key, value);
      const list = lists.get(text);
      if (list === undefined) lists.set(text, [pod]);
      else list.push(pod);
    }
  }
  return lists;
}

/** No part can hold the sign between them. */
function labelKey(namespace: string, key: string, value: string): string {
  return `${namespace}\n${key}\n${value}`;
}
