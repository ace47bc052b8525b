import assert from "node:assert/strict";
import { parseIpv4 } from "#core/ipv4.ts";
import { ConfigMap, Container, Pod, Secret, type Service } from "#proto/podwire/v1/resources.ts";
import type { ConfigSources } from "../../../node-agent/pods/config-sources.ts";
import { declaredVariables, expand } from "../../../node-agent/pods/pod-environment.ts";
import { dnsService } from "../../support/dns-objects.ts";

const pod = Pod.fromJSON({
  metadata: { name: "web", namespace: "shop", uid: "u-1", labels: { app: "a" }, annotations: { "x.y/z": "note" } },
  spec: { nodeName: "node-1" },
});
const sources: ConfigSources = {
  configMaps: new Map([
    ["shop/cm", ConfigMap.fromJSON({ data: { A: "1", "b.c": "2", "9": "3" }, binaryData: { bin: "AAE=" } })],
    ["other/theirs", ConfigMap.fromJSON({ data: { A: "theirs" } })],
  ]),
  secrets: new Map([["shop/sec", Secret.fromJSON({ data: { token: Buffer.from("t0p").toString("base64") } })]]),
};

function variables(container: object, services: readonly Service[] = []): Record<string, string> {
  const [nodeAddress, address] = [parseIpv4("192.168.0.1"), parseIpv4("10.244.1.2")];
  return Object.fromEntries(
    declaredVariables({ pod, container: Container.fromJSON(container), sources, services, nodeAddress, address }),
  );
}

const fromField = (fieldPath: string) => ({ env: [{ name: "V", valueFrom: { fieldRef: { fieldPath } } }] });
const fromKey = (kind: "configMapKeyRef" | "secretKeyRef", ref: object) => ({ env: [{ name: "V", valueFrom: { [kind]: ref } }] });

describe("a container's variables", () => {
  it("tell of Services, may refer to those, and win over them", () => {
    const web = dnsService("web", { clusterIP: "10.96.0.7", ports: [] });
    const env = [{ name: "URL", value: "http://$(WEB_SERVICE_HOST)" }];
    assert.deepEqual(variables({ env }, [web]), { WEB_SERVICE_HOST: "10.96.0.7", URL: "http://10.96.0.7" });
    assert.deepEqual(variables({ env: [{ name: "WEB_SERVICE_HOST", value: "mine" }] }, [web]), { WEB_SERVICE_HOST: "mine" });
  });

  for (const [path, want] of [
    ["metadata.name", "web"],
    ["metadata.namespace", "shop"],
    ["metadata.uid", "u-1"],
    ["metadata.labels['app']", "a"],
    ["metadata.labels['absent']", ""],
    ["metadata.labels['constructor']", ""],
    ["metadata.annotations['x.y/z']", "note"],
    ["spec.nodeName", "node-1"],
    ["spec.serviceAccountName", "default"],
    ["status.hostIP", "192.168.0.1"],
    ["status.podIP", "10.244.1.2"],
    ["status.podIPs", "10.244.1.2"],
  ] as const) {
    it(`tell ${path}`, () => assert.deepEqual(variables(fromField(path)), { V: want }));
  }

  it("name the fields that there are where one is asked for that isn't", () => {
    assert.throws(() => variables(fromField("status.phase")), {
      reason: "CreateContainerConfigError",
      message: /^fieldPath "status\.phase" is not supported: use metadata\.name, /,
    });
  });

  it("come from keys of ConfigMaps and Secrets", () => {
    assert.deepEqual(variables(fromKey("configMapKeyRef", { name: "cm", key: "b.c" })), { V: "2" });
    assert.deepEqual(variables(fromKey("secretKeyRef", { name: "sec", key: "token" })), { V: "t0p" });
  });

  for (const [container, message] of [
    [fromKey("configMapKeyRef", { name: "no", key: "A" }), 'configmap "no" not found'],
    [fromKey("configMapKeyRef", { name: "theirs", key: "A" }), 'configmap "theirs" not found'],
    [fromKey("configMapKeyRef", { name: "cm", key: "no" }), "couldn't find key no in ConfigMap shop/cm"],
    [fromKey("configMapKeyRef", { name: "cm", key: "bin" }), "couldn't find key bin in ConfigMap shop/cm"],
    [fromKey("secretKeyRef", { name: "no", key: "A" }), 'secret "no" not found'],
    [fromKey("secretKeyRef", { name: "sec", key: "no" }), "couldn't find key no in Secret shop/sec"],
    [{ envFrom: [{ configMapRef: { name: "no" } }] }, 'configmap "no" not found'],
    [{ envFrom: [{ secretRef: { name: "no" } }] }, 'secret "no" not found'],
  ] as const) {
    it(`can't be had where ${message}, unless they are optional`, () => {
      assert.throws(() => variables(container), { reason: "CreateContainerConfigError", message });
      assert.deepEqual(variables(madeOptional(container)), {});
    });
  }

  it("come from whole ConfigMaps and Secrets, under a prefix, as far as their keys are names", () => {
    const envFrom = [
      { prefix: "P_", configMapRef: { name: "cm" } },
      { configMapRef: { name: "cm" } },
      { secretRef: { name: "sec" } },
    ];
    assert.deepEqual(variables({ envFrom }), { P_A: "1", "P_b.c": "2", P_9: "3", A: "1", "b.c": "2", token: "t0p" });
  });

  it("of env win over those of envFrom, the last of one name over the others", () => {
    const env = [{ name: "A", value: "x" }, { name: "EMPTY" }, { name: "A", value: "y" }];
    assert.deepEqual(variables({ envFrom: [{ configMapRef: { name: "cm" } }], env }), { A: "y", "b.c": "2", EMPTY: "" });
  });

  it("may name earlier ones, and not later ones, nor those of envFrom", () => {
    const env = [
      { name: "EARLY", value: "$(LATE)" },
      { name: "LATE", value: "late" },
      { name: "BOTH", value: "$(EARLY) $(LATE) $(A)" },
    ];
    const { EARLY, BOTH } = variables({ envFrom: [{ configMapRef: { name: "cm" } }], env });
    assert.deepEqual([EARLY, BOTH], ["$(LATE)", "$(LATE) late $(A)"]);
  });

  for (const [text, want] of [
    ["$(A)", "1"],
    ["$(A)$(A)-$(A)", "11-1"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$$$$", "$$"],
    ["$A $(", "$A $("],
    ["$(B) $()", "$(B) $()"],
    ["$(constructor)", "$(constructor)"],
    ["100$", "100$"],
  ] as const) {
    it(`make ${want} of ${text}`, () => assert.equal(expand(text, new Map([["A", "1"]])), want));
  }
});

function madeOptional(container: object): object {
  return JSON.parse(JSON.stringify(container).replace(/"name":"(no|theirs|cm|sec)"/g, '"name":"$1","optional":true'));
}
