/* toolbox http-server [--port 8080] [--file PATH]: answers every request with who it is and whom it sees, or with what the file holds.
 * `/hostname` and `/clientip` answer just that. */

import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { hostname } from "node:os";
import { parseArgs } from "node:util";

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { port: { type: "string", default: "8080" }, file: { type: "string" } },
  });
  const server = createServer((request, response) => {
    const { remoteAddress, remotePort, localAddress } = request.socket;
    const answers: Readonly<Record<string, string>> = {
      "/hostname": hostname(),
      "/clientip": `${remoteAddress}:${remotePort}`,
    };
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    response.setHeader("content-type", "text/plain");
    const answer = answers[path];
    if (answer === undefined && values.file !== undefined) {
      // A file that went is an answer of its own.
      createReadStream(values.file)
        .on("error", (error) => response.writeHead(500).end(`${error.message}\n`))
        .pipe(response);
      return;
    }
    response.end(answer ?? `Hello from ${hostname()} at ${localAddress}. I see you as ${remoteAddress}.\n`);
  });
  server.listen(Number(values.port), "0.0.0.0", () => process.stdout.write(`listening on port ${values.port}\n`));
}
