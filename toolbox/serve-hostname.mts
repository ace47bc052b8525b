/* agnhost serve-hostname [--port 9376] [--http=true] [--tcp] [--udp] [--close]: tells its hostname to whoever asks, by HTTP where nothing
 * else is said. With --close a TCP connection ends after that. */

import { createSocket } from "node:dgram";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { readFlags, readPort } from "./flags.mts";

export async function main(args: readonly string[]): Promise<void> {
  const { values } = readFlags(args, { port: "9376", http: "true", tcp: "false", udp: "false", close: "false" });
  const port = readPort(values.port);
  const [tcp, udp, close] = [values.tcp, values.udp, values.close].map((value) => value === "true");
  if (tcp === true) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      if (close === true) socket.end(hostname());
      else socket.write(hostname());
    });
    server.listen(port, "0.0.0.0");
  }
  if (udp === true) {
    const socket = createSocket("udp4");
    socket.on("message", (_, { address, port: from }) => socket.send(hostname(), from, address));
    socket.bind(port, "0.0.0.0");
  }
  if (tcp !== true && udp !== true && values.http === "true") {
    createHttpServer((_, response) => response.end(hostname())).listen(port, "0.0.0.0");
  }
}
