import assert from "node:assert/strict";
import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import { formatProblem } from "#core/objects/problem.ts";

function problemsOf(fields: object): string[] {
  const json = { metadata: { name: "web-1", namespace: "default" }, addressType: "IPv4", ...fields };
  return endpointSliceKind.validate(endpointSliceKind.withDefaults(endpointSliceKind.fromJson(json))).map(formatProblem);
}

describe("a hand-made EndpointSlice", () => {
  it("may name addresses and ports", () => {
    assert.deepEqual(problemsOf({ endpoints: [{ addresses: ["10.244.0.2"] }], ports: [{ name: "http", port: 80 }] }), []);
  });

  for (const address of ["0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1"]) {
    it(`may not lead to ${address}`, () => {
      assert.match(
        problemsOf({ endpoints: [{ addresses: [address] }] })[0] ?? "",
        /^endpoints\[0\]\.addresses\[0\]: .*may not be/,
      );
    });
  }

  const cases: { title: string; fields: object; want: RegExp }[] = [
    { title: "wants a type", fields: { addressType: "" }, want: /^addressType: Required value/ },
    { title: "has IPv4 only", fields: { addressType: "FQDN" }, want: /^addressType: Unsupported value: "FQDN"/ },
    { title: "wants an address for an endpoint", fields: { endpoints: [{}] }, want: /must contain at least 1 address/ },
    {
      title: "has at most a thousand endpoints",
      fields: { endpoints: Array.from({ length: 1001 }, () => ({ addresses: ["10.244.0.2"] })) },
      want: /^endpoints: Too many: 1001/,
    },
    {
      title: "names each port once",
      fields: { ports: [{ port: 80 }, { port: 81 }] },
      want: /^ports\[1\]\.name: Duplicate value: ""/,
    },
    { title: "bounds ports", fields: { ports: [{ port: 65536 }] }, want: /^ports\[0\]\.port: Invalid value: 65536/ },
  ];
  for (const { title, fields, want } of cases) it(title, () => assert.match(problemsOf(fields)[0] ?? "", want));
});
