/* toolbox http-server [--port 8080]: answers every request with who it is and whom it sees.
 * `/hostname` and `/clientip` answer just that. */

import { createServer } from "node:http";
import { hostname } from "node:os";
import { parseArgs } from "node:util";

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { port: { type: "string", default: "8080" } } });
  const server = createServer((request, response) => {
    const { remoteAddress, remotePort, localAddress } = request.socket;
    const answers: Readonly<Record<string, string>> = {
      "/hostname": hostname(),
      "/clientip": `${remoteAddress}:${remotePort}`,
    };
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    response.setHeader("content-type", "text/plain");
    response.end(answers[path] ?? `Hello from ${hostname()} at ${localAddress}. I see you as ${remoteAddress}.\n`);
  });
  server.listen(Number(values.port), "0.0.0.0", () => process.stdout.write(`listening on port ${values.port}\n`));
}
