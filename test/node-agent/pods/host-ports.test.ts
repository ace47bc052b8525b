import assert from "node:assert/strict";
import { parseIpv4 } from "#core/ipv4.ts";
import { Pod } from "#proto/podwire/v1/resources.ts";
import { hostPortsOf } from "../../../node-agent/pods/host-ports.ts";

function portsOf(spec: object) {
  return hostPortsOf(Pod.fromJSON({ spec }));
}

const web = { protocol: "tcp", port: 80, containerPort: 8080 };

describe("a pod's host ports", () => {
  for (const [sentence, port, want] of [
    ["of TCP where nothing else is said", {}, [web]],
    ["of UDP", { protocol: "UDP" }, [{ ...web, protocol: "udp" }]],
    ["of each address for 0.0.0.0", { hostIP: "0.0.0.0" }, [web]],
    ["of one address", { hostIP: "192.168.0.1" }, [{ ...web, hostAddress: parseIpv4("192.168.0.1") }]],
    ["none of IPv6", { hostIP: "::1" }, []],
    ["none of SCTP", { protocol: "SCTP" }, []],
    ["none without a hostPort", { hostPort: undefined }, []],
  ] as const) {
    it(`are ${sentence}`, () => {
      assert.deepEqual(portsOf({ containers: [{ ports: [{ containerPort: 8080, hostPort: 80, ...port }] }] }), want);
    });
  }

  it("are those of all containers and sidecars, and not those of init containers that end", () => {
    const container = (hostPort: number, more: object = {}) => ({ ports: [{ containerPort: 1, hostPort }], ...more });
    const spec = {
      initContainers: [container(1), container(2, { restartPolicy: "Always" })],
      containers: [container(3), container(4)],
    };
    assert.deepEqual(
      portsOf(spec).map(({ port }) => port),
      [2, 3, 4],
    );
    assert.deepEqual(portsOf({ ...spec, hostNetwork: true }), []);
  });
});
