/* Host ports for real: the test's main thread is on the pods' node. */

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { deleted, makePod, openPodLab, type PodLab } from "./pod-lab.ts";

describe("a pod's host ports", () => {
  before(requireSandbox);

  it("lead to it from its node, from other pods and from itself, until it goes", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const web = serverPod("web", [{ containerPort: 8080, hostPort: 80 }]);
    const other = makePod("other", ["sleep", "infinity"]);
    agent.set(web, other);
    await agent.running(web, other);
    await lab.assertOnly(web, other);
    await until(async () => (await askFrom(lab, web, "10.244.1.2:8080")) === "web", "the server");
    assert.equal(await ask("192.168.0.1:80"), "web");
    assert.equal(await askFrom(lab, other, "192.168.0.1:80"), "web");
    assert.equal(await askFrom(lab, web, "192.168.0.1:80"), "web");
    agent.set(deleted(web, 0), other);
    await agent.gone(web);
    agent.set(other);
    await lab.assertOnly(other);
    await assert.rejects(ask("192.168.0.1:80"));
    await assertRefused(lab, other, "192.168.0.1:80");
  });

  it("are of one protocol and, with a hostIP, of one address", async () => {
    await using lab = await openPodLab();
    await lab.host.ip("address add 192.168.7.7/32 dev lo");
    await using agent = lab.startAgent();
    const ports = [
      { containerPort: 19777, hostPort: 53, protocol: "UDP" },
      { containerPort: 8080, hostPort: 81, hostIP: "192.168.7.7" },
    ];
    const web = serverPod("web", ports, ["sh", "-c", "toolbox probe-server & exec toolbox http-server"]);
    agent.set(web);
    await agent.running(web);
    await until(async () => (await ask("192.168.7.7:81").catch(() => "")) === "web", "the server");
    await assert.rejects(ask("192.168.0.1:81"));
    await assert.rejects(ask("192.168.0.1:53"));
    await until(async () => (await datagram("192.168.0.1", 53)) === '{"client":"192.168.0.1"}', "an answer by UDP");
  });

  it("are not of the name server's address, which is the node's too", async () => {
    await using lab = await openPodLab();
    await lab.host.ip("route add local 10.96.0.10 dev lo");
    await using agent = lab.startAgent();
    const web = serverPod("web", [{ containerPort: 8080, hostPort: 82 }]);
    agent.set(web);
    await agent.running(web);
    await until(async () => (await ask("192.168.0.1:82").catch(() => "")) === "web", "the server");
    await assert.rejects(ask("10.96.0.10:82"));
    await assertRefused(lab, web, "10.96.0.10:82");
  });

  it("stand while an agent takes its pods over, and are the first pod's where two ask for them", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const web = serverPod("web", [{ containerPort: 8080, hostPort: 80 }]);
    first.set(web);
    await first.running(web);
    await until(async () => (await ask("192.168.0.1:80").catch(() => "")) === "web", "the server");
    first.abandon();
    assert.equal(await ask("192.168.0.1:80"), "web");
    await using second = lab.startAgent();
    const rival = serverPod("rival", [{ containerPort: 8080, hostPort: 80 }]);
    second.set(web, rival);
    await second.running(web, rival);
    assert.equal(await ask("192.168.0.1:80"), "web");
    second.set(rival);
    await until(async () => (await ask("192.168.0.1:80").catch(() => "")) === "rival", "the second pod's turn");
  });
});

function serverPod(name: string, ports: readonly object[], command: readonly string[] = ["toolbox", "http-server"]): Pod {
  return makePod(name, [], { containers: [{ name: "main", image: "any", command, ports }] });
}

/** Answers the hostname of who serves there. */
async function ask(address: string): Promise<string> {
  const response = await fetch(`http://${address}/hostname`, {
    signal: AbortSignal.timeout(2_000),
    headers: { connection: "close" },
  });
  return response.text();
}

const asking =
  "fetch('http://' + process.argv[1] + '/hostname', { signal: AbortSignal.timeout(2000) }).then(async (r) => console.log(await r.text()), (e) => console.log(e.cause?.code ?? e.name))";

async function askFrom(lab: PodLab, pod: Pod, address: string): Promise<string> {
  return (await lab.inPod(pod, process.execPath, "-e", asking, address)).trim();
}

async function assertRefused(lab: PodLab, pod: Pod, address: string): Promise<void> {
  assert.equal(await askFrom(lab, pod, address), "ECONNREFUSED");
}

async function datagram(host: string, port: number): Promise<string> {
  const socket = createSocket("udp4");
  try {
    socket.send("whoami", port, host);
    const [answer] = await once(socket, "message", { signal: AbortSignal.timeout(500) });
    return String(answer);
  } catch {
    return "";
  } finally {
    socket.close();
  }
}
