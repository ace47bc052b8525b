/* Containers of pods as the agent would start them, without an agent: the test gives the pod and the objects that it names. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { parseIpv4 } from "#core/ipv4.ts";
import { linuxContainers } from "#kernel/containers.ts";
import { ConfigMap, Pod, Secret } from "#proto/podwire/v1/resources.ts";
import type { ConfigSources } from "../../node-agent/pods/config-sources.ts";
import { containerSpecOf } from "../../node-agent/pods/container-spec.ts";
import { prepareVolumes, removeVolumes } from "../../node-agent/pods/volumes.ts";
import { openContainerLab, type TestContainer } from "./container-lab.ts";

export interface InputsLab extends AsyncDisposable {
  readonly podFolder: string;
  /** Of the pod's container of that number. */
  start(pod: Pod, index?: number): Promise<TestContainer>;
  /** What the pod's first container prints, to its end. */
  output(pod: Pod): Promise<string>;
  setSources(sources: ConfigSources): void;
  prepare(pod: Pod): void;
  removeVolumes(): void;
  folderOf(volume: string): string;
}

const { signal } = new AbortController();

export function openInputsLab(initial: ConfigSources = sourcesOf({})): InputsLab {
  const lab = openContainerLab();
  const podFolder = join(lab.folder, "hidden", "pod");
  let sources = initial;
  let count = 0;
  const inputs: InputsLab = {
    podFolder,
    setSources(next) {
      sources = next;
    },
    prepare: (pod) => prepareVolumes({ pod, sources, podFolder }),
    removeVolumes: () => removeVolumes(podFolder),
    folderOf: (volume) => join(podFolder, "volumes", volume),
    async start(pod, index = 0) {
      const container = pod.spec?.containers[index];
      if (container === undefined) throw new Error(`the pod has no container ${index}`);
      inputs.prepare(pod);
      const address = parseIpv4("10.244.1.2");
      const node = { nodeName: "node-1", nodeAddress: parseIpv4("192.168.0.1"), netns: undefined };
      const spec = containerSpecOf({
        resolvConf: "",
        services: [],
        pod,
        container,
        sources,
        ...node,
        address,
        podFolder,
        hiddenFolder: join(lab.folder, "hidden"),
      });
      count += 1;
      const stateDir = join(lab.folder, `c${count}`);
      const logPath = join(lab.folder, `c${count}.log`);
      await linuxContainers.start({ stateDir, logPath, ...spec }, { signal });
      return lab.at({ stateDir, logPath });
    },
    async output(pod) {
      const container = await inputs.start(pod);
      await container.exitCode();
      return container.log();
    },
    async [Symbol.asyncDispose]() {
      removeVolumes(podFolder);
      await lab[Symbol.asyncDispose]();
    },
  };
  return inputs;
}

/** A pod whose container, `main` where it is not said otherwise, runs a script. */
export function podWith(script: string, container: object = {}, spec: object = {}): Pod {
  return Pod.fromJSON({
    metadata: { name: "web", namespace: "shop", uid: randomUUID(), labels: { app: "web" } },
    spec: {
      nodeName: "node-1",
      containers: [{ name: "main", image: "any", command: ["sh", "-c", script], ...container }],
      ...spec,
    },
  });
}

export function sourcesOf({ configMaps = {}, secrets = {} }: SourcesJson): ConfigSources {
  const metadata = (name: string) => ({ metadata: { name, namespace: "shop" } });
  return {
    configMaps: new Map(
      Object.entries(configMaps).map(([name, data]) => [`shop/${name}`, ConfigMap.fromJSON({ ...metadata(name), data })]),
    ),
    secrets: new Map(
      Object.entries(secrets).map(([name, data]) => {
        const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
        return [`shop/${name}`, Secret.fromJSON({ ...metadata(name), data: Object.fromEntries(encoded) })];
      }),
    ),
  };
}

interface SourcesJson {
  readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
