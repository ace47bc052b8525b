import assert from "node:assert/strict";
import { createManualClock } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { createRng } from "#core/rng.ts";
import { proxiedPorts } from "#core/services/proxied-port.ts";
import { createFakeServices } from "#kernel/fake-services.ts";
import { serviceTableOf } from "#kernel/service-rules.ts";
import type { ServiceKernel, UdpFlow } from "#kernel/service-table.ts";
import { createLog } from "#process/log.ts";
import type { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";
import { createServiceKeeper, type ServiceView } from "../../../node-agent/services/service-keeper.ts";
import { makeService, makeSlice, proxyNode, proxyViewOf } from "../../support/service-objects.ts";
import { until } from "../../support/until.ts";

const web = makeService("web", { clusterIP: "10.96.0.80" });
const names = makeService("names", { clusterIP: "10.96.0.53", ports: [{ port: 53, protocol: "UDP" }] });
const sliceOf = (...addresses: readonly string[]) =>
  makeSlice("web-1", { service: "web" }, ...addresses.map((address) => ({ address })));
const namesSlice = makeSlice("names-1", { service: "names", ports: [{ protocol: "UDP", port: 53 }] }, { address: "10.244.1.2" });

function viewOf(...objects: readonly (Service | EndpointSlice)[]): ServiceView {
  return { ...proxyViewOf(...objects), ...proxyNode };
}

/** A keeper over a table in memory that can be held up and made to fail. */
function setUp() {
  const controller = new AbortController();
  const clock = createManualClock();
  const fake = createFakeServices();
  const calls = { reads: 0, applies: 0, flowReads: 0 };
  let failures = 0;
  let gate: PromiseWithResolvers<void> | undefined;
  const kernel: ServiceKernel = {
    readNames(signal) {
      calls.reads += 1;
      return fake.readNames(signal);
    },
    async apply(change, signal) {
      calls.applies += 1;
      await gate?.promise;
      if (failures > 0) {
        failures -= 1;
        throw new AppError("internal", "nft: told to fail");
      }
      await fake.apply(change, signal);
    },
    readTraffic: fake.readTraffic,
    readUdpFlows(signal) {
      calls.flowReads += 1;
      return fake.readUdpFlows(signal);
    },
    removeUdpFlows: (flows, signal) => fake.removeUdpFlows(flows, signal),
  };
  const healthChecks = { set() {}, [Symbol.dispose]() {} };
  const log = createLog({ level: "silent", name: "test" });
  const { signal } = controller;
  const keeper = createServiceKeeper({ kernel, healthChecks, clock, rng: createRng(1), log, signal });
  const running = keeper.run().catch(() => {});
  return {
    keeper,
    clock,
    fake,
    calls,
    fail(times: number) {
      failures = times;
    },
    hold() {
      gate = Promise.withResolvers();
      return gate.resolve;
    },
    stands: (view: ServiceView) => assert.deepEqual(fake.table, serviceTableOf(proxiedPorts(view), view)),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await running;
    },
  };
}

describe("the keeper of services", () => {
  it("makes the whole table first, and then changes what changed", async () => {
    await using lab = setUp();
    const [first, second] = [viewOf(web, sliceOf("10.244.1.2")), viewOf(web, sliceOf("10.244.1.2", "10.244.1.3"))];
    await lab.keeper.set(first);
    lab.stands(first);
    const changed = lab.keeper.set(second);
    await lab.clock.advance(100);
    await changed;
    lab.stands(second);
    assert.deepEqual(
      lab.fake.changes.map(({ anew, chains }) => [anew, chains.size > 1]),
      [
        [true, true],
        [false, false],
      ],
    );
    assert.equal(lab.calls.reads, 1);
  });

  it("does nothing for a view that is the same for Services", async () => {
    await using lab = setUp();
    const view = viewOf(web, sliceOf("10.244.1.2"));
    await lab.keeper.set(view);
    await lab.keeper.set({ ...view });
    await lab.clock.advance(1_000);
    assert.equal(lab.calls.applies, 1);
  });

  it("does all at once that is asked for while a transaction runs, and the last of it", async () => {
    await using lab = setUp();
    const release = lab.hold();
    const first = lab.keeper.set(viewOf(web));
    await until(() => lab.calls.applies === 1, "the first transaction");
    const others = Array.from({ length: 20 }, (_, i) => lab.keeper.set(viewOf(web, sliceOf(`10.244.1.${i + 2}`))));
    release();
    await first;
    await lab.clock.advance(100);
    await Promise.all(others);
    lab.stands(viewOf(web, sliceOf("10.244.1.21")));
    assert.equal(lab.calls.applies, 2);
  });

  it("tells whoever asked that it failed, and makes the table anew after a while", async () => {
    await using lab = setUp();
    await lab.keeper.set(viewOf(web));
    lab.fail(2);
    const view = viewOf(web, sliceOf("10.244.1.2"));
    const changed = lab.keeper.set(view);
    await Promise.all([assert.rejects(changed, /told to fail/), lab.clock.advance(20)]);
    await until(async () => {
      await lab.clock.advance(100);
      return lab.fake.changes.length === 2;
    }, "the table to be made");
    lab.stands(view);
    assert.equal(lab.fake.changes.at(-1)?.anew, true);
  });

  it("makes the table anew where somebody else changed it, also while it is being changed", async () => {
    await using lab = setUp();
    const view = viewOf(web, sliceOf("10.244.1.2"));
    const release = lab.hold();
    const first = lab.keeper.set(view);
    await until(() => lab.calls.applies === 1, "the first transaction");
    lab.keeper.restore();
    release();
    await first;
    lab.fake.clear();
    await lab.clock.advance(100);
    await until(() => lab.fake.changes.length === 2, "the table to be made again");
    lab.stands(view);
    lab.fake.clear();
    lab.keeper.restore();
    await lab.clock.advance(100);
    await until(() => lab.fake.changes.length === 3, "the table to be made a third time");
    lab.stands(view);
  });

  it("looks for stale flows when it starts and when a Service of UDP changes, and not otherwise", async () => {
    await using lab = setUp();
    const address = parseIpv4("10.244.1.9");
    const destination = parseIpv4("10.96.0.53");
    const flow: UdpFlow = {
      source: address,
      sourcePort: 1,
      destination,
      destinationPort: 53,
      answeredBy: address,
      answeredPort: 53,
    };
    lab.fake.flows = [flow];
    const next = async (view: ServiceView) => {
      await lab.clock.advance(100);
      await lab.keeper.set(view);
    };
    await next(viewOf(web));
    assert.deepEqual([lab.calls.flowReads, lab.fake.flows.length], [1, 0]);
    lab.fake.flows = [flow];
    await next(viewOf(web, sliceOf("10.244.1.2")));
    assert.deepEqual([lab.calls.flowReads, lab.fake.flows.length], [1, 1]);
    await next(viewOf(web, names, namesSlice));
    assert.deepEqual([lab.calls.flowReads, lab.fake.flows.length], [2, 0]);
    await next(viewOf(web, names, namesSlice, sliceOf("10.244.1.2")));
    assert.equal(lab.calls.flowReads, 2);
    await next(viewOf(web));
    assert.equal(lab.calls.flowReads, 3);
  });

  it("ends with its signal, and so does whoever waits", async () => {
    const lab = setUp();
    await lab.keeper.set(viewOf(web));
    const waiting = assert.rejects(lab.keeper.set(viewOf(web, sliceOf("10.244.1.2"))));
    await lab[Symbol.asyncDispose]();
    await waiting;
    await assert.rejects(lab.keeper.set(viewOf()));
    assert.equal(lab.calls.applies, 1);
  });
});
