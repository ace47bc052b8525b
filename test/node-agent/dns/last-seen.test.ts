import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createManualClock } from "#core/clock.ts";
import { createLog } from "#process/log.ts";
import { type DnsView, openLastSeen } from "../../../node-agent/dns/last-seen.ts";
import { dnsService, dnsSlice, dnsView } from "../../support/dns-objects.ts";
import { until } from "../../support/until.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const log = createLog({ level: "silent", name: "test" });

function viewOf(name: string): DnsView {
  return dnsView(
    [dnsService(name, { clusterIP: "10.96.1.1", ports: [{ port: 80 }] })],
    [dnsSlice(name, { endpoints: [{ addresses: ["10.244.1.2"], conditions: { ready: true } }] })],
  );
}

/** Without fields that are there and undefined. */
function plain(view: DnsView | undefined): unknown {
  return JSON.parse(
    JSON.stringify({ ...view, services: [...(view?.services ?? [])], endpointSlices: [...(view?.endpointSlices ?? [])] }),
  );
}

describe("what was last seen of Services", () => {
  const open = (stateDir: string) => {
    const controller = new AbortController();
    const clock = createManualClock();
    const lastSeen = openLastSeen({ stateDir, clock, log, signal: controller.signal });
    const over = lastSeen.run();
    const close = async () => {
      controller.abort();
      await over;
    };
    return { lastSeen, clock, path: join(stateDir, "services.json"), [Symbol.asyncDispose]: close };
  };

  it("is nothing at first", async () => {
    using folder = temporaryFolder();
    await using opened = open(folder.path);
    assert.equal(opened.lastSeen.load(), undefined);
  });

  it("is what the next agent finds, for its owner's eyes only", async () => {
    using folder = temporaryFolder();
    await using opened = open(folder.path);
    opened.lastSeen.keep(viewOf("web"));
    await until(() => existsSync(opened.path), "the file");
    assert.deepEqual(plain(opened.lastSeen.load()), plain(viewOf("web")));
    assert.equal(statSync(opened.path).mode & 0o777, 0o600);
  });

  it("is written at most every few seconds, and then the newest", async () => {
    using folder = temporaryFolder();
    await using opened = open(folder.path);
    const { lastSeen, clock, path } = opened;
    lastSeen.keep(viewOf("first"));
    await until(() => existsSync(path), "the file");
    const written = readFileSync(path, "utf8");
    lastSeen.keep(viewOf("second"));
    lastSeen.keep(viewOf("third"));
    await clock.advance(2_999);
    assert.equal(readFileSync(path, "utf8"), written);
    await clock.advance(1);
    await until(() => readFileSync(path, "utf8") !== written, "the file to change");
    assert.deepEqual(plain(lastSeen.load()), plain(viewOf("third")));
  });

  it("is not written again where nothing changed", async () => {
    using folder = temporaryFolder();
    await using opened = open(folder.path);
    const view = viewOf("web");
    opened.lastSeen.keep(view);
    await until(() => existsSync(opened.path), "the file");
    writeFileSync(opened.path, "mine");
    opened.lastSeen.keep({ ...view });
    await opened.clock.advance(10_000);
    assert.equal(readFileSync(opened.path, "utf8"), "mine");
  });

  for (const text of ["", "{", "[]", '{"serviceCIDR":"x","podCIDR":"y","services":[],"endpointSlices":[]}']) {
    it(`is nothing where the file can't be read: ${JSON.stringify(text)}`, async () => {
      using folder = temporaryFolder();
      await using opened = open(folder.path);
      writeFileSync(opened.path, text);
      assert.equal(opened.lastSeen.load(), undefined);
    });
  }
});
