import assert from "node:assert/strict";
import { isAppError } from "#core/errors.ts";
import { parseDnsOptions } from "../../../node-agent/dns/options.ts";

const texts = { ttl: "5", upstream: "", stub: "" };

describe("the name server's flags", () => {
  it("give no upstream by default", () => {
    assert.deepEqual(parseDnsOptions(texts), { ttlSeconds: 5, upstreams: [], stubs: new Map() });
  });

  it("name upstreams with and without a port, and several for one stub domain", () => {
    const stub = "Corp.test=10.0.0.1,corp.test.=10.0.0.2:5353,lab.test=10.0.0.3";
    assert.deepEqual(parseDnsOptions({ ttl: "30", upstream: "192.168.1.1,192.168.1.2:54", stub }), {
      ttlSeconds: 30,
      upstreams: [
        { host: "192.168.1.1", port: 53 },
        { host: "192.168.1.2", port: 54 },
      ],
      stubs: new Map([
        [
          "corp.test",
          [
            { host: "10.0.0.1", port: 53 },
            { host: "10.0.0.2", port: 5353 },
          ],
        ],
        ["lab.test", [{ host: "10.0.0.3", port: 53 }]],
      ]),
    });
  });

  const wrong: readonly (readonly [flags: Partial<typeof texts>, message: RegExp])[] = [
    [{ ttl: "soon" }, /^--dns-ttl "soon": want a number/],
    [{ ttl: "3601" }, /^--dns-ttl "3601": want a number from 0 to 3600$/],
    [{ upstream: "ns.example.com" }, /^--dns-upstream "ns\.example\.com": .* is not an IPv4 address/],
    [{ upstream: "10.0.0.1:0" }, /^--dns-upstream "10\.0\.0\.1:0": want ADDRESS or ADDRESS:PORT/],
    [{ upstream: "10.0.0.1:53:54" }, /want ADDRESS or ADDRESS:PORT/],
    [{ upstream: "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5" }, /name at most 4 servers/],
    [{ stub: "corp.test" }, /^--dns-stub "corp\.test": .* is not an IPv4 address/],
    [{ stub: "a b=10.0.0.1" }, /^--dns-stub "a b=10\.0\.0\.1": a lowercase RFC 1123 subdomain/],
  ];
  for (const [flags, message] of wrong) {
    it(`are refused: ${JSON.stringify(flags)}`, () => {
      assert.throws(
        () => parseDnsOptions({ ...texts, ...flags }),
        (error) => isAppError(error, "invalid") && message.test(error.message),
      );
    });
  }
});
