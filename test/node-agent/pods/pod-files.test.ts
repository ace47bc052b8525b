import assert from "node:assert/strict";
import { parseIpv4 } from "#core/ipv4.ts";
import { Pod } from "#proto/podwire/v1/resources.ts";
import { environmentOf, hostnameOf, hostsFile } from "../../../node-agent/pods/pod-files.ts";

function podNamed(name: string, spec: object = {}): Pod {
  return Pod.fromJSON({ metadata: { name, namespace: "shop" }, spec });
}

describe("a pod's files", () => {
  const hostnames: readonly (readonly [sentence: string, pod: Pod, want: string])[] = [
    ["is its name", podNamed("web-0"), "web-0"],
    ["is its spec's where that has one", podNamed("web-0", { hostname: "first" }), "first"],
    ["is its name where the spec's is empty", podNamed("web-0", { hostname: "" }), "web-0"],
    ["is the node's on the node's network", podNamed("web-0", { hostNetwork: true, hostname: "first" }), "node-1"],
    ["is cut at 63 characters", podNamed("a".repeat(70)), "a".repeat(63)],
    ["doesn't end in a dash or a dot", podNamed(`${"a".repeat(61)}-.b`), "a".repeat(61)],
  ];
  for (const [sentence, pod, want] of hostnames) {
    it(`say that its hostname ${sentence}`, () => assert.equal(hostnameOf(pod, "node-1"), want));
  }

  it("have hosts with localhost and the pod itself", () => {
    assert.equal(
      hostsFile(podNamed("web"), "web", parseIpv4("10.244.1.2")),
      "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.244.1.2\tweb\n",
    );
  });

  it("have hosts with the full name under a subdomain", () => {
    const text = hostsFile(podNamed("web", { subdomain: "db" }), "web", parseIpv4("10.244.1.2"));
    assert.match(text, /^10\.244\.1\.2\tweb\.db\.shop\.svc\.cluster\.local\tweb$/m);
    assert.doesNotMatch(hostsFile(podNamed("web", { subdomain: "" }), "web", parseIpv4("10.244.1.2")), /cluster\.local/);
  });

  it("have hosts with the pod's aliases at their end", () => {
    const hostAliases = [
      { ip: "10.1.2.3", hostnames: ["a", "b"] },
      { ip: "10.1.2.4", hostnames: ["c"] },
    ];
    const text = hostsFile(podNamed("web", { hostAliases }), "web", parseIpv4("10.244.1.2"));
    assert.match(text, /\n10\.244\.1\.2\tweb\n\n# Entries added by HostAliases\.\n10\.1\.2\.3\ta\tb\n10\.1\.2\.4\tc\n$/);
  });

  it("come with an environment, in which nobody but root has a home", () => {
    const { PATH, ...rest } = environmentOf("web", 0);
    assert.deepEqual(rest, { HOME: "/root", HOSTNAME: "web" });
    assert.equal(environmentOf("web", 1000).HOME, "/");
    assert.match(PATH ?? "", /^\/run\/podwire\/toolbox:.*:\/bin$/);
  });
});
