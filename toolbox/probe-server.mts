/* toolbox probe-server [--port 19777]: the far end of `toolbox probe`.
 *
 * TCP: a connection sends one line {"bytes": N} and then N bytes; the answer is one line {"client", "local", "sha256"} about what came,
 * and then the same N bytes. UDP: a datagram comes back as it is; the datagram "whoami" is answered with {"client"}. */

import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { parseArgs } from "node:util";

const payloadBytesMax = 64 * 1024 * 1024;
const headBytesMax = 1_024;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { port: { type: "string", default: "19777" } } });
  const port = Number(values.port);
  createServer(serve).listen(port, "0.0.0.0");
  const udp = createSocket({ type: "udp4", recvBufferSize: 1024 * 1024, sendBufferSize: 1024 * 1024 });
  udp.on("error", () => {});
  udp.on("message", (message, { address, port: from }) => {
    const answer = message.toString("latin1") === "whoami" ? Buffer.from(JSON.stringify({ client: address })) : message;
    udp.send(answer, from, address);
  });
  udp.bind(port, "0.0.0.0");
}

function serve(socket: Socket): void {
  let head = Buffer.alloc(0);
  let wanted: number | undefined;
  const payload: Buffer[] = [];
  let received = 0;
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    if (wanted === undefined) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(0x0a);
      if (end < 0 && head.length <= headBytesMax) return;
      wanted = readHead(head.subarray(0, end));
      if (wanted === undefined) return void socket.destroy();
      payload.push(head.subarray(end + 1));
    } else payload.push(chunk);
    received += payload.at(-1)?.length ?? 0;
    if (received >= wanted) answer(socket, Buffer.concat(payload));
  });
}

/** How many bytes follow; undefined where it is no head of ours. */
function readHead(line: Buffer): number | undefined {
  try {
    const { bytes } = JSON.parse(line.toString()) as { bytes: number };
    return Number.isInteger(bytes) && bytes >= 0 && bytes <= payloadBytesMax ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function answer(socket: Socket, payload: Buffer): void {
  const sha256 = createHash("sha256").update(payload).digest("hex");
  socket.write(`${JSON.stringify({ client: socket.remoteAddress, local: socket.localAddress, sha256 })}\n`);
  socket.end(payload);
}
