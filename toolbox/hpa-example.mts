/* toolbox hpa-example [--port 80]: answers every request with "OK!" after some milliseconds of a processor's time, as the image of the same
 * name does that Kubernetes' walkthrough of the HorizontalPodAutoscaler uses. */

import { createServer } from "node:http";
import { parseArgs } from "node:util";

/** About five milliseconds of today's processors. */
const rootsPerRequest = 1_500_000;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { port: { type: "string", default: "80" } } });
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/plain");
    response.end(Number.isFinite(work()) ? "OK!\n" : "");
  });
  server.listen(Number(values.port), "0.0.0.0", () => process.stdout.write(`listening on port ${values.port}\n`));
}

function work(): number {
  let sum = 0.0001;
  for (let i = 0; i < rootsPerRequest; i++) sum += Math.sqrt(sum);
  return sum;
}
