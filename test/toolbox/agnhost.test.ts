/* The test image's programs, over real sockets. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { until } from "../support/until.ts";

const main = join(import.meta.dirname, "..", "..", "toolbox", "main.mts");

describe("agnhost", () => {
  describe("netexec", describeNetexec);
  describe("serve-hostname", describeServeHostname);
  describe("connect", describeConnect);

  it("names its subcommands and its unknown flags", async () => {
    assert.deepEqual(await runToEnd(["nothing"]), [
      1,
      'Error: unknown command "nothing" for "agnhost"; there are: netexec, serve-hostname, connect, pause\n',
    ]);
    assert.deepEqual(await runToEnd(["netexec", "--tls=1"]), [1, "Error: unknown flag: --tls\n"]);
    assert.deepEqual(await runToEnd(["netexec", "--http-port"]), [1, "Error: flag needs an argument: --http-port\n"]);
    assert.deepEqual(await runToEnd(["netexec", "--http-port=x"]), [1, 'Error: "x" is no port\n']);
  });
});

function describeNetexec(): void {
  let ports: { readonly http: number; readonly udp: number };
  let child: ChildProcess;
  const get = (path: string) => fetch(`http://127.0.0.1:${ports.http}${path}`, { redirect: "manual" });
  const getText = async (path: string) => (await get(path)).text();

  before(async () => {
    ports = { http: await freePort(), udp: await freePort() };
    child = start(["netexec", "--http-port", String(ports.http), `--udp-port=${ports.udp}`]);
    await until(async () => (await get("/healthz").catch(() => undefined))?.status === 200, "netexec");
  });
  after(() => end(child));

  it("tells its hostname, its client, the time, and says what it is told", async () => {
    assert.equal(await getText("/hostname"), hostname());
    assert.equal(await getText("/hostName"), hostname());
    assert.match(await getText("/clientip"), /^127\.0\.0\.1:[0-9]+$/);
    assert.match(await getText("/"), /^NOW: 2/);
    const echo = await get("/echo?msg=hello%20you&code=418");
    assert.deepEqual([echo.status, await echo.text()], [418, "hello you"]);
    assert.equal((await get("/redirect?location=/hostname&code=301")).headers.get("location"), "/hostname");
    assert.equal((await get("/nothing")).status, 404);
  });

  it("runs a shell's commands", async () => {
    assert.equal(await getText("/shell?cmd=echo%20hi"), '{"output":"hi\\n"}');
    assert.equal(await getText("/shell?shellCommand=echo%20hi;exit%203"), '{"output":"hi\\n","error":"exit status 3"}');
  });

  it("answers by UDP", async () => {
    assert.equal(await datagram(ports.udp, "hostname"), hostname());
    assert.equal(await datagram(ports.udp, "hostName\n"), hostname());
    assert.equal(await datagram(ports.udp, "echo a b"), "a b");
    assert.match(await datagram(ports.udp, "clientip"), /^127\.0\.0\.1:[0-9]+$/);
  });

  it("dials others, as often as it is asked to, and tells what went wrong", async () => {
    const dial = async (query: string) => JSON.parse(await getText(`/dial?host=127.0.0.1&${query}`));
    assert.deepEqual(await dial(`port=${ports.http}&request=hostname&tries=2`), { responses: [hostname(), hostname()] });
    assert.deepEqual(await dial(`port=${ports.udp}&request=echo%20x&protocol=udp`), { responses: ["x"] });
    const refused = await dial(`port=${await freePort()}&request=hostname`);
    assert.match(refused.errors[0], /ECONNREFUSED/);
    assert.deepEqual(await dial("port=0"), { errors: ['"0" is no port'] });
    assert.deepEqual(await dial("port=1&protocol=sctp"), { errors: ['unsupported protocol "sctp": use http or udp'] });
    assert.deepEqual(await dial("port=1&tries=1000000"), { errors: ["tries must be between 1 and 1000"] });
  });

  it("ends with the code that it is told", async () => {
    const [http, udp] = [await freePort(), await freePort()];
    const other = start(["netexec", `--http-port=${http}`, `--udp-port=${udp}`]);
    const ended = once(other, "exit");
    await until(
      () =>
        fetch(`http://127.0.0.1:${http}/exit?code=7`).then(
          () => true,
          () => other.exitCode !== null,
        ),
      "its end",
    );
    assert.deepEqual(await ended, [7, null]);
  });

  it("stays a while after TERM where it is told to", async () => {
    const http = await freePort();
    const other = start(["netexec", `--http-port=${http}`, "--udp-port=-1", "--delay-shutdown=1"]);
    const serves = () =>
      fetch(`http://127.0.0.1:${http}/healthz`).then(
        ({ status }) => status === 200,
        () => false,
      );
    await until(serves, "netexec");
    const ended = once(other, "exit");
    const askedMs = Date.now();
    other.kill("SIGTERM");
    assert.equal(await serves(), true);
    assert.deepEqual(await ended, [0, null]);
    assert.ok(Date.now() - askedMs >= 950);
  });
}

function describeServeHostname(): void {
  it("tells its hostname by HTTP", async () => {
    const port = await freePort();
    const child = start(["serve-hostname", `--port=${port}`]);
    try {
      await until(
        () =>
          fetch(`http://127.0.0.1:${port}/`)
            .then(
              (r) => r.text(),
              () => "",
            )
            .then((name) => name === hostname()),
        "its name",
      );
    } finally {
      await end(child);
    }
  });

  it("tells it by TCP and UDP instead", async () => {
    const port = await freePort();
    const child = start(["serve-hostname", "--tcp", "--udp", "--http=false", "--close", "--port", String(port)]);
    try {
      await until(async () => (await datagram(port, "?").catch(() => "")) === hostname(), "its name");
      assert.deepEqual(await runToEnd(["connect", `127.0.0.1:${port}`]), [0, ""]);
    } finally {
      await end(child);
    }
  });
}

function describeConnect(): void {
  it("says nothing where somebody listens", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    assert.deepEqual(await runToEnd(["connect", `127.0.0.1:${address.port}`, "--timeout=3s"]), [0, ""]);
    server.close();
  });

  it("says REFUSED, TIMEOUT, DNS or OTHER", async () => {
    const port = await freePort();
    assert.deepEqual(await runToEnd(["connect", `127.0.0.1:${port}`, "--timeout=3s"]), [1, "REFUSED\n"]);
    assert.deepEqual(await runToEnd(["connect", `127.0.0.1:${port}`, "--protocol=udp", "--timeout=3s"]), [1, "REFUSED\n"]);
    const silent = createSocket("udp4").bind(0, "127.0.0.1");
    await once(silent, "listening");
    const target = `127.0.0.1:${silent.address().port}`;
    assert.deepEqual(await runToEnd(["connect", target, "--protocol", "udp", "--timeout", "100ms"]), [1, "TIMEOUT\n"]);
    silent.close();
    const [code, said] = await runToEnd(["connect", "no-such-name.invalid:80", "--timeout=20s"]);
    assert.match(`${code} ${said}`, /^1 DNS: /);
    assert.deepEqual(await runToEnd(["connect", "nowhere"]), [1, 'OTHER: "nowhere" is no host:port\n']);
    assert.deepEqual(await runToEnd(["connect", "a:1", "--timeout=soon"]), [1, 'Error: time: invalid duration "soon"\n']);
  });
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, "agnhost", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  if (child.exitCode === null && child.kill("SIGTERM")) await ended;
}

async function runToEnd(args: readonly string[]): Promise<[code: number, stderr: string]> {
  const child = start(args);
  assert.ok(child.stderr !== null);
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return [code, said];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  server.close();
  await once(server, "close");
  return address.port;
}

async function datagram(port: number, message: string): Promise<string> {
  const socket = createSocket("udp4");
  try {
    socket.send(message, port, "127.0.0.1");
    const [answer] = await once(socket, "message", { signal: AbortSignal.timeout(1_000) });
    return String(answer);
  } finally {
    socket.close();
  }
}
