/* A starter of containers for tests that kill it: starts the one that its argument describes, as JSON. */

import { type ContainerSpec, linuxContainers } from "#kernel/containers.ts";

const spec = JSON.parse(process.argv[2] ?? "") as ContainerSpec;
process.stdout.write("ready\n");
await linuxContainers.start(spec, { signal: new AbortController().signal });
