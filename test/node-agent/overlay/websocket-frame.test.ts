import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { messageHeaderBytesMax, writeMessageHeader } from "../../../node-agent/overlay/websocket-frame.ts";

describe("the header of a message", () => {
  // Base frames of RFC 6455, 5.7, and the edges of 5.2's three forms of a length.
  const cases: readonly (readonly [length: number, header: string])[] = [
    [0, "8200"],
    [1, "8201"],
    [125, "827d"],
    [126, "827e007e"],
    [256, "827e0100"],
    [65_535, "827effff"],
    [65_536, "827f0000000000010000"],
    [262_144, "827f0000000000040000"],
  ];
  for (const [length, header] of cases) {
    it(`of ${length} bytes lies right before it`, () => {
      const bytes = Buffer.alloc(messageHeaderBytesMax, 0xaa);
      const written = writeMessageHeader(bytes, messageHeaderBytesMax, length);
      assert.equal(bytes.toString("hex", messageHeaderBytesMax - written), header);
      assert.ok(bytes.subarray(0, messageHeaderBytesMax - written).every((byte) => byte === 0xaa));
    });
  }

  it("is what a WebSocket client understands", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const websockets = new WebSocketServer({ server });
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const accepted = new Promise<Socket>((resolve) => {
      server.on("upgrade", (_request, socket) => resolve(socket as Socket));
    });
    const lengths: number[] = [];
    const all = new Promise<void>((resolve) => {
      client.on("message", (data: Buffer, isBinary: boolean) => {
        assert.ok(isBinary);
        if (lengths.push(data.length) === cases.length) resolve();
      });
    });
    await once(client, "open");
    const socket = await accepted;
    for (const [length] of cases) {
      const bytes = Buffer.alloc(messageHeaderBytesMax + length);
      socket.write(bytes.subarray(messageHeaderBytesMax - writeMessageHeader(bytes, messageHeaderBytesMax, length)));
    }
    await all;
    assert.deepEqual(
      lengths,
      cases.map(([length]) => length),
    );
    client.terminate();
    websockets.close();
    server.close();
    server.closeAllConnections();
  });
});
