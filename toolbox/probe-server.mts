/* toolbox probe-server [--port 19777]: the far end of `toolbox probe`.
 *
 * TCP: a connection sends one line {"bytes": N} and then N bytes; the answer is one line {"client", "local", "sha256"} about what came,
 * and then the same N bytes. UDP: a datagram comes back as it is; the datagram "whoami" is answered with {"client"}. */

import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { parseArgs } from "node:util";

const bytesMax = 64 * 1024 * 1024;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { port: { type: "string", default: "19777" } } });
  const port = Number(values.port);
  createServer((socket) => {
    socket.on("error", () => {});
    void serve(socket).catch(() => socket.destroy());
  }).listen(port, "0.0.0.0");
  const udp = createSocket({ type: "udp4", recvBufferSize: 1024 * 1024, sendBufferSize: 1024 * 1024 });
  udp.on("error", () => {});
  udp.on("message", (message, { address, port: from }) => {
    const answer = message.toString("latin1") === "whoami" ? Buffer.from(JSON.stringify({ client: address })) : message;
    udp.send(answer, from, address);
  });
  udp.bind(port, "0.0.0.0");
}

async function serve(socket: Socket): Promise<void> {
  let head = Buffer.alloc(0);
  let wanted: number | undefined;
  const payload: Buffer[] = [];
  let received = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    let rest = chunk;
    if (wanted === undefined) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(0x0a);
      if (end < 0) {
        if (head.length > 1_024) return void socket.destroy();
        continue;
      }
      wanted = Number((JSON.parse(head.subarray(0, end).toString()) as { bytes: number }).bytes);
      if (!(wanted >= 0 && wanted <= bytesMax)) return void socket.destroy();
      rest = head.subarray(end + 1);
    }
    payload.push(rest);
    received += rest.length;
    if (received >= wanted) break;
  }
  const bytes = Buffer.concat(payload);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  socket.write(`${JSON.stringify({ client: socket.remoteAddress, local: socket.localAddress, sha256 })}\n`);
  socket.end(bytes);
}
