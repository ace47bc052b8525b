import assert from "node:assert/strict";
import { Pod } from "#proto/podwire/v1/resources.ts";
import { serviceVariables } from "../../../node-agent/pods/service-variables.ts";
import { dnsService } from "../../support/dns-objects.ts";

const kubernetes = dnsService("kubernetes", { clusterIP: "10.96.0.1", ports: [{ name: "https", port: 443 }] }, "default");
const services = [
  kubernetes,
  dnsService("redis-primary", {
    clusterIP: "10.96.0.11",
    ports: [
      { name: "db-port", port: 6379 },
      { name: "u", port: 53, protocol: "UDP" },
    ],
  }),
  dnsService("plain", { clusterIP: "10.96.0.12", ports: [{ port: 80 }] }),
  dnsService("headless", { clusterIP: "None", ports: [{ port: 80 }] }),
  dnsService("outside", { type: "ExternalName", externalName: "example.com" }),
  dnsService("pending", { ports: [{ port: 80 }] }),
  dnsService("theirs", { clusterIP: "10.96.0.13", ports: [{ port: 80 }] }, "other"),
];

const ofKubernetes = {
  KUBERNETES_SERVICE_HOST: "10.96.0.1",
  KUBERNETES_SERVICE_PORT: "443",
  KUBERNETES_SERVICE_PORT_HTTPS: "443",
  KUBERNETES_PORT: "tcp://10.96.0.1:443",
  KUBERNETES_PORT_443_TCP: "tcp://10.96.0.1:443",
  KUBERNETES_PORT_443_TCP_PROTO: "tcp",
  KUBERNETES_PORT_443_TCP_PORT: "443",
  KUBERNETES_PORT_443_TCP_ADDR: "10.96.0.1",
};

function variables(namespace: string, spec: object = {}, given = services): Record<string, string> {
  return Object.fromEntries(serviceVariables(Pod.fromJSON({ metadata: { name: "web", namespace }, spec }), given));
}

describe("the variables that tell of Services", () => {
  it("are of those of the pod's namespace that have an address, and of the control plane", () => {
    assert.deepEqual(variables("shop"), {
      ...ofKubernetes,
      REDIS_PRIMARY_SERVICE_HOST: "10.96.0.11",
      REDIS_PRIMARY_SERVICE_PORT: "6379",
      REDIS_PRIMARY_SERVICE_PORT_DB_PORT: "6379",
      REDIS_PRIMARY_SERVICE_PORT_U: "53",
      REDIS_PRIMARY_PORT: "tcp://10.96.0.11:6379",
      REDIS_PRIMARY_PORT_6379_TCP: "tcp://10.96.0.11:6379",
      REDIS_PRIMARY_PORT_6379_TCP_PROTO: "tcp",
      REDIS_PRIMARY_PORT_6379_TCP_PORT: "6379",
      REDIS_PRIMARY_PORT_6379_TCP_ADDR: "10.96.0.11",
      REDIS_PRIMARY_PORT_53_UDP: "udp://10.96.0.11:53",
      REDIS_PRIMARY_PORT_53_UDP_PROTO: "udp",
      REDIS_PRIMARY_PORT_53_UDP_PORT: "53",
      REDIS_PRIMARY_PORT_53_UDP_ADDR: "10.96.0.11",
      PLAIN_SERVICE_HOST: "10.96.0.12",
      PLAIN_SERVICE_PORT: "80",
      PLAIN_PORT: "tcp://10.96.0.12:80",
      PLAIN_PORT_80_TCP: "tcp://10.96.0.12:80",
      PLAIN_PORT_80_TCP_PROTO: "tcp",
      PLAIN_PORT_80_TCP_PORT: "80",
      PLAIN_PORT_80_TCP_ADDR: "10.96.0.12",
    });
  });

  it("are of the control plane alone where the pod wants no links", () => {
    assert.deepEqual(variables("shop", { enableServiceLinks: false }), ofKubernetes);
  });

  it("are of a Service `kubernetes` of the pod's own namespace before the control plane's", () => {
    const own = dnsService("kubernetes", { clusterIP: "10.96.0.99", ports: [{ name: "https", port: 443 }] });
    assert.equal(variables("shop", {}, [own, kubernetes]).KUBERNETES_SERVICE_HOST, "10.96.0.99");
  });
});
