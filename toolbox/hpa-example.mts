/* toolbox hpa-example [--port 80]: answers every request with "OK!" after some milliseconds of a processor's time, as the image of the same
 * name does that Kubernetes' walkthrough of the HorizontalPodAutoscaler uses. */

import { createServer } from "node:http";
import { parseArgs } from "node:util";

/** Processor time and not time: it costs as much on any machine, and on one that is busy. */
const costMicroseconds = 8_000;
const rootsAtOnce = 10_000;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { port: { type: "string", default: "80" } } });
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/plain");
    response.end(Number.isFinite(work()) ? "OK!\n" : "");
  });
  server.listen(Number(values.port), "0.0.0.0", () => process.stdout.write(`listening on port ${values.port}\n`));
}

function work(): number {
  const before = process.cpuUsage();
  let sum = 0.0001;
  for (;;) {
    for (let i = 0; i < rootsAtOnce; i++) sum += Math.sqrt(sum);
    const { user, system } = process.cpuUsage(before);
    if (user + system >= costMicroseconds) return sum;
  }
}
