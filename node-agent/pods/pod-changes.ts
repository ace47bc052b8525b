/* What changes under a pod's feet: its own text, and the ConfigMaps and Secrets that it may name. */

import type { Container, Pod } from "#proto/podwire/v1/resources.ts";
import type { ConfigSources } from "./config-sources.ts";
import { containersOf } from "./container-role.ts";

export interface PodChanges {
  readonly pod: Pod;
  readonly sources: ConfigSources;
  container(name: string | undefined): Container | undefined;
  /** Aborts at the next change of the ConfigMaps and Secrets. */
  configChanged(): AbortSignal;
  /** Aborts when that container's image is another than `image`, or than it was at the call; one at a time for each container. */
  redefined(name: string | undefined, image: string | undefined): AbortSignal;
  /** True where other ConfigMaps or Secrets are there. */
  update(pod: Pod, sources: ConfigSources): boolean;
}

export function followPod(pod: Pod, sources: ConfigSources): PodChanges {
  let configChange = new AbortController();
  const imageChanges = new Map<string | undefined, AbortController>();
  const container = (name: string | undefined) => containersOf(pod).find((one) => one.container.name === name)?.container;
  return {
    get pod() {
      return pod;
    },
    get sources() {
      return sources;
    },
    container,
    configChanged: () => configChange.signal,
    redefined(name, image) {
      const change = new AbortController();
      imageChanges.set(name, change);
      if (image !== undefined && container(name)?.image !== image) change.abort();
      return change.signal;
    },
    update(nextPod, nextSources) {
      const before = containersOf(pod).map((one) => one.container);
      pod = nextPod;
      for (const { name, image } of before) if (container(name)?.image !== image) imageChanges.get(name)?.abort();
      if (nextSources === sources) return false;
      sources = nextSources;
      configChange.abort();
      configChange = new AbortController();
      return true;
    },
  };
}
