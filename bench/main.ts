/* npm run bench [-- cluster|pods|workloads|endpoints|services|store|dns|compose …]: measures and prints a table; figures, no verdicts. */

import type { Row } from "./row.ts";

const suites: Readonly<Record<string, () => Promise<Row[]>>> = {
  cluster: async () => (await import("./cluster.ts")).benchCluster(),
  pods: async () => (await import("./pods.ts")).benchPods(),
  workloads: async () => (await import("./workloads.ts")).benchWorkloads(),
  endpoints: async () => (await import("./endpoints.ts")).benchEndpoints(),
  services: async () => (await import("./services.ts")).benchServices(),
  store: async () => (await import("./store.ts")).benchStore(),
  dns: async () => (await import("./dns.ts")).benchDns(),
  // The last: without a Docker engine it fails.
  compose: async () => (await import("./compose.ts")).benchCompose(),
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(suites);
for (const name of wanted) {
  const suite = suites[name];
  if (suite === undefined) throw new Error(`no bench "${name}": there are ${Object.keys(suites).join(", ")}`);
  const rows = await suite();
  process.stdout.write(`\n${name}\n`);
  for (const { name: figure, value, unit, target } of rows) {
    const shown = `${value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 2 : 0 })} ${unit}`;
    process.stdout.write(`  ${figure.padEnd(60)} ${shown.padStart(16)}${target === undefined ? "" : `   wanted ${target}`}\n`);
  }
}
