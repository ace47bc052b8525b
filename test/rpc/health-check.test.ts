import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { status } from "@grpc/grpc-js";
import { checkHealth } from "#rpc/health-check.ts";
import { healthServer } from "../support/health-server.ts";

const { signal } = new AbortController();

describe("the question of gRPC's health protocol", () => {
  const answers: readonly (readonly [bytes: Buffer, health: string])[] = [
    [Buffer.from([0x08, 0x01]), "SERVING"],
    [Buffer.from([0x08, 0x02]), "NOT_SERVING"],
    [Buffer.from([0x08, 0x03]), "SERVICE_UNKNOWN"],
    [Buffer.alloc(0), "UNKNOWN"],
  ];
  for (const [bytes, health] of answers) {
    it(`is answered ${health}`, async () => {
      const server = await healthServer(bytes);
      try {
        assert.equal(await checkHealth({ address: server.address, service: "", timeoutMs: 1_000, signal }), health);
        assert.deepEqual(server.asked, [""]);
      } finally {
        server.stop();
      }
    });
  }

  it("names the service, however long its name", async () => {
    const server = await healthServer(Buffer.from([0x08, 0x01]));
    try {
      for (const service of ["shop", "s".repeat(300)]) {
        await checkHealth({ address: server.address, service, timeoutMs: 1_000, signal });
      }
      assert.equal(server.asked[0], "\n\u0004shop");
      assert.equal(server.asked[1], `\n\u00ac\u0002${"s".repeat(300)}`);
    } finally {
      server.stop();
    }
  });

  it("says what is wrong with a server that has no such service", async () => {
    const server = await healthServer(status.UNIMPLEMENTED);
    try {
      await assert.rejects(
        checkHealth({ address: server.address, service: "", timeoutMs: 1_000, signal }),
        /this server does not implement the grpc health protocol/,
      );
    } finally {
      server.stop();
    }
  });

  it("says that nobody is there, or nobody who answers", async () => {
    await assert.rejects(
      checkHealth({ address: "127.0.0.1:9", service: "", timeoutMs: 1_000, signal }),
      /timeout: failed to connect service "127.0.0.1:9" within 1s/,
    );
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const address = silent.address();
    assert.ok(typeof address === "object" && address !== null);
    await assert.rejects(
      checkHealth({ address: `127.0.0.1:${address.port}`, service: "", timeoutMs: 100, signal }),
      /timeout: .* within 0.1s/,
    );
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});
