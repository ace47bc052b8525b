import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Probe } from "#proto/podwire/v1/resources.ts";
import { askContainer, type ProbeTarget } from "../../../node-agent/pods/probe-actions.ts";
import { healthServer } from "../../support/health-server.ts";

const { signal } = new AbortController();

async function openServer(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function ask(probe: object, port: number, timeoutMs = 1_000) {
  const target: ProbeTarget = {
    host: "127.0.0.1",
    ports: [{ name: "web", containerPort: port, protocol: "TCP", hostPort: undefined, hostIP: undefined }],
    exec: async () => assert.fail("exec"),
  };
  return askContainer(Probe.fromJSON(probe), target, { timeoutMs, signal });
}

describe("an HTTP probe", () => {
  for (const [code, ok] of [
    [200, true],
    [204, true],
    [304, true],
    [399, true],
    [400, false],
    [404, false],
    [503, false],
  ] as const) {
    it(`takes ${code} for ${ok ? "a success" : "a failure"}`, async () => {
      await using server = await openServer((_, answer) => answer.writeHead(code).end());
      const output = ok ? "" : `HTTP probe failed with statuscode: ${code}`;
      assert.deepEqual(await ask({ httpGet: { port: server.port } }, 0), { ok, output });
    });
  }

  it("asks for its path with its headers, on the port of that name", async () => {
    const asked: IncomingMessage[] = [];
    await using server = await openServer((request, answer) => {
      asked.push(request);
      answer.end();
    });
    const httpHeaders = [
      { name: "Host", value: "shop.example" },
      { name: "X-Many", value: "1" },
      { name: "x-many", value: "2" },
      { name: "User-Agent", value: "mine" },
    ];
    assert.equal((await ask({ httpGet: { port: "web", path: "/healthz?full=1", httpHeaders } }, server.port)).ok, true);
    const [request] = asked;
    assert.equal(request?.url, "/healthz?full=1");
    assert.deepEqual(
      [request?.headers.host, request?.headers["x-many"], request?.headers["user-agent"]],
      ["shop.example", "1, 2", "mine"],
    );
  });

  it("follows redirects on its host, and takes one to another host for a success", async () => {
    await using server = await openServer((request, answer) => {
      if (request.url === "/") answer.writeHead(302, { location: "/really" }).end();
      else if (request.url === "/away") answer.writeHead(302, { location: "http://192.0.2.1/" }).end();
      else if (request.url === "/round") answer.writeHead(302, { location: "/round" }).end();
      else answer.writeHead(500).end();
    });
    assert.deepEqual(await ask({ httpGet: { port: server.port } }, 0), {
      ok: false,
      output: "HTTP probe failed with statuscode: 500",
    });
    assert.equal((await ask({ httpGet: { port: server.port, path: "/away" } }, 0)).ok, true);
    assert.match((await ask({ httpGet: { port: server.port, path: "/round" } }, 0)).output, /stopped after 10 redirects/);
  });

  it("fails where nobody answers in time", async () => {
    await using server = await openServer(() => {});
    const { ok, output } = await ask({ httpGet: { port: server.port } }, 0, 50);
    assert.equal(ok, false);
    assert.match(output, /^Get "http:\/\/127\.0\.0\.1:\d+\/": context deadline exceeded/);
  });

  it("fails where the answer's head is more than anybody needs", async () => {
    await using server = await openServer((_, answer) => answer.writeHead(200, { "x-much": "x".repeat(100_000) }).end());
    assert.equal((await ask({ httpGet: { port: server.port } }, 0)).ok, false);
  });
});

describe("a TCP probe", () => {
  it("succeeds where somebody listens, and fails where nobody does", async () => {
    await using server = await openServer(() => {});
    assert.equal((await ask({ tcpSocket: { port: server.port } }, 0)).ok, true);
    assert.deepEqual(await ask({ tcpSocket: { port: 9 } }, 0), {
      ok: false,
      output: "dial tcp 127.0.0.1:9: connect: connection refused",
    });
  });

  it("fails for a port that has no such name", async () => {
    assert.match((await ask({ tcpSocket: { port: "admin" } }, 0)).output, /couldn't find port: "admin"/);
  });
});

describe("a gRPC probe", () => {
  const answers: readonly (readonly [sentence: string, bytes: number[], want: object])[] = [
    ["succeeds where the service serves", [0x08, 0x01], { ok: true, output: "" }],
    ["fails where it doesn't", [0x08, 0x02], { ok: false, output: 'service unhealthy (responded with "NOT_SERVING")' }],
  ];
  for (const [sentence, bytes, want] of answers) {
    it(sentence, async () => {
      const server = await healthServer(Buffer.from(bytes));
      try {
        assert.deepEqual(await ask({ grpc: { port: Number(server.address.split(":")[1]) } }, 0), want);
      } finally {
        server.stop();
      }
    });
  }

  it("fails where nobody listens", async () => {
    const { ok, output } = await ask({ grpc: { port: 9 } }, 0);
    assert.equal(ok, false);
    assert.match(output, /^timeout: failed to connect service "127\.0\.0\.1:9" within 1s/);
  });
});

describe("a probe by a command", () => {
  const target = (code: number): ProbeTarget => ({
    host: "127.0.0.1",
    ports: [],
    exec: async () => ({ code, output: "so it is" }),
  });
  for (const code of [0, 1]) {
    it(`${code === 0 ? "succeeds" : "fails"} with exit code ${code}`, async () => {
      const probe = Probe.fromJSON({ exec: { command: ["check"] } });
      assert.deepEqual(await askContainer(probe, target(code), { timeoutMs: 1_000, signal }), {
        ok: code === 0,
        output: "so it is",
      });
    });
  }
});
