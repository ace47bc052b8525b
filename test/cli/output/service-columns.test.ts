import assert from "node:assert/strict";
import { findKind } from "#core/objects/kinds.ts";
import { rowFor } from "../../../cli/output/columns.ts";

const layout = {
  wide: true,
  withNamespace: false,
  withKind: false,
  showLabels: false,
  labelColumns: [],
  nowMs: Date.parse("2026-01-01T00:10:00Z"),
};

function row(kindName: string, json: object): string {
  const kind = findKind(kindName) ?? assert.fail(kindName);
  const metadata = { name: "web", creationTimestamp: "2026-01-01T00:00:00Z" };
  return rowFor(kind, kind.withDefaults(kind.fromJson({ metadata, ...json })), layout).join(" | ");
}

describe("the row of a Service", () => {
  const spec = { selector: { tier: "front", app: "web" }, clusterIP: "10.96.0.7", ports: [{ port: 80 }] };
  const cases: { title: string; spec: object; want: string }[] = [
    {
      title: "has its address and ports",
      spec,
      want: "web | ClusterIP | 10.96.0.7 | <none> | 80/TCP | 10m | app=web,tier=front",
    },
    {
      title: "has node ports beside ports",
      spec: {
        ...spec,
        type: "NodePort",
        ports: [
          { port: 53, nodePort: 30053, protocol: "UDP" },
          { port: 80, nodePort: 30080 },
        ],
      },
      want: "web | NodePort | 10.96.0.7 | <none> | 53:30053/UDP,80:30080/TCP | 10m | app=web,tier=front",
    },
    {
      title: "says what an alias stands for",
      spec: { type: "ExternalName", externalName: "db.example.com" },
      want: "web | ExternalName | <none> | db.example.com | <none> | 10m | <none>",
    },
    {
      title: "says that a headless one has no address",
      spec: { ...spec, clusterIP: "None" },
      want: "web | ClusterIP | None | <none> | 80/TCP | 10m | app=web,tier=front",
    },
    {
      title: "says that a balancer's address is to come",
      spec: { ...spec, type: "LoadBalancer" },
      want: "web | LoadBalancer | 10.96.0.7 | <pending> | 80/TCP | 10m | app=web,tier=front",
    },
  ];
  for (const { title, spec, want } of cases) it(title, () => assert.equal(row("Service", { spec }), want));
});

describe("the row of an EndpointSlice", () => {
  it("shows three endpoints, and how many more", () => {
    const endpoints = [2, 3, 4, 5, 6].map((n) => ({ addresses: [`10.244.0.${n}`] }));
    const want = "web | IPv4 | 8080,9090 | 10.244.0.2,10.244.0.3,10.244.0.4 + 2 more... | 10m";
    assert.equal(
      row("EndpointSlice", { addressType: "IPv4", endpoints, ports: [{ port: 8080 }, { name: "b", port: 9090 }] }),
      want,
    );
  });

  it("says that there is none", () => {
    assert.equal(row("EndpointSlice", { addressType: "IPv4" }), "web | IPv4 | <unset> | <unset> | 10m");
  });
});
