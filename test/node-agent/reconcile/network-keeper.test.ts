import assert from "node:assert/strict";
import { parseCidr } from "#core/cidr.ts";
import { createManualClock } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { createRng } from "#core/rng.ts";
import { createFakeNetwork } from "#kernel/fake-network.ts";
import type { Network, PodLink } from "#kernel/network.ts";
import { createLog } from "#process/log.ts";
import { createNetworkKeeper, type NetworkKeeper } from "../../../node-agent/reconcile/network-keeper.ts";
import { achieved } from "../../../node-agent/reconcile/plan-network.ts";
import { type NetworkView, wantedNetwork } from "../../../node-agent/reconcile/wanted-network.ts";
import { until } from "../../support/until.ts";
import { sortedState } from "./any-network.ts";

const view: NetworkView = {
  nodeAddress: parseIpv4("192.168.0.1"),
  podRange: parseCidr("10.244.0.0/16"),
  serviceRange: parseCidr("10.96.0.0/16"),
  balancerRange: parseCidr("10.97.0.0/24"),
  podCidrs: [parseCidr("10.244.1.0/24")],
  peerAddresses: [parseIpv4("192.168.0.2")],
};
const links: readonly PodLink[] = [2, 3, 4].map((last) => ({
  netns: `node.${last}`,
  device: `pw${last}`,
  address: parseIpv4(`10.244.1.${last}`),
}));
const [first, second, third] = links as [PodLink, PodLink, PodLink];

/** A keeper over a fake network that counts, can be held up and can be made to fail. */
function setUp(adopted: readonly PodLink[] = []) {
  const controller = new AbortController();
  const { signal } = controller;
  const clock = createManualClock();
  const fake = createFakeNetwork();
  const calls = { reads: 0, applies: 0, atOnce: 0, atOnceMax: 0 };
  let failures = 0;
  let gate: PromiseWithResolvers<void> | undefined;
  const counted = async <T>(action: () => Promise<T>): Promise<T> => {
    calls.atOnce += 1;
    calls.atOnceMax = Math.max(calls.atOnceMax, calls.atOnce);
    try {
      await gate?.promise;
      return await action();
    } finally {
      calls.atOnce -= 1;
    }
  };
  const network: Network = {
    read(signal) {
      calls.reads += 1;
      return counted(() => fake.read(signal));
    },
    apply(steps, signal) {
      calls.applies += 1;
      return counted(async () => {
        if (failures > 0) {
          failures -= 1;
          await fake.apply(steps.slice(0, 2), signal);
          throw new AppError("internal", "ip: told to fail");
        }
        await fake.apply(steps, signal);
      });
    },
  };
  const log = createLog({ level: "silent", name: "test" });
  const keeper = createNetworkKeeper({ network, clock, rng: createRng(1), log, signal, adopted });
  return {
    keeper,
    clock,
    fake,
    calls,
    signal,
    stop: () => controller.abort(),
    failNext(count: number) {
      failures = count;
    },
    hold() {
      gate = Promise.withResolvers();
      const { resolve } = gate;
      return () => {
        gate = undefined;
        resolve();
      };
    },
    async assertStands(pods: readonly PodLink[], of = view) {
      assert.deepEqual(sortedState(await fake.read(signal)), sortedState(achieved(wantedNetwork(of, pods))));
    },
  };
}

/** Runs the keeper's loop while the test goes on. */
function running(keeper: NetworkKeeper, stop: () => void): AsyncDisposable {
  const loop = keeper.run().catch(() => {});
  return {
    async [Symbol.asyncDispose]() {
      stop();
      await loop;
    },
  };
}

describe("the network keeper", () => {
  it("changes nothing before it has a view", async () => {
    const { keeper, fake, calls } = setUp();
    await keeper.addPod(first);
    assert.deepEqual([fake.log, calls.reads], [[], 0]);
  });

  it("brings the view and the pods about", async () => {
    const { keeper, assertStands } = setUp();
    await keeper.addPod(first);
    await keeper.setView(view);
    await assertStands([first]);
    await keeper.addPod(second);
    await keeper.removePod(first);
    await assertStands([second]);
    const smaller = { ...view, peerAddresses: [] };
    await keeper.setView(smaller);
    await assertStands([second], smaller);
  });

  it("keeps the pods that an earlier agent left", async () => {
    const { keeper, fake, signal, assertStands } = setUp([first]);
    await fake.apply(
      [
        { op: "add-pod", link: first },
        { op: "add-pod", link: third },
      ],
      signal,
    );
    await keeper.setView(view);
    await assertStands([first]);
    assert.equal(fake.log.filter(({ op }) => op === "add-pod").length, 2);
  });

  it("does one thing at a time, and what is asked for meanwhile all at once", async () => {
    const { keeper, calls, hold, assertStands } = setUp();
    await keeper.setView(view);
    const before = calls.applies;
    const release = hold();
    const done = [keeper.addPod(first), keeper.addPod(second), keeper.addPod(third), keeper.removePod(second)];
    release();
    await Promise.all(done);
    await assertStands([first, third]);
    assert.deepEqual([calls.applies - before, calls.atOnceMax], [2, 1]);
  });

  it("resolves only when that pod's network stands", async () => {
    const { keeper, hold, fake, signal } = setUp();
    await keeper.setView(view);
    const release = hold();
    const added = keeper.addPod(first);
    const added2 = keeper.addPod(second);
    release();
    await added;
    assert.ok((await fake.read(signal)).devices.includes(first.device));
    await added2;
    assert.ok((await fake.read(signal)).devices.includes(second.device));
  });

  it("trusts its memory between its own steps", async () => {
    const { keeper, calls } = setUp();
    await keeper.setView(view);
    for (const link of links) await keeper.addPod(link);
    assert.equal(calls.reads, 1);
  });

  it("reads the kernel again after a failure, which whoever asked gets", async () => {
    const { keeper, calls, failNext, assertStands } = setUp();
    await keeper.setView(view);
    failNext(1);
    await assert.rejects(keeper.addPod(first), /told to fail/);
    const { reads } = calls;
    await keeper.addPod(first);
    assert.equal(calls.reads, reads + 1);
    await assertStands([first]);
  });

  it("brings back what somebody else took away", async () => {
    const { keeper, clock, fake, signal, stop, assertStands } = setUp();
    await keeper.setView(view);
    await keeper.addPod(first);
    await using _ = running(keeper, stop);
    await fake.apply(
      [
        { op: "remove-device", device: first.device },
        { op: "remove-rule", rule: wantedNetwork(view, []).rules[0] as never },
      ],
      signal,
    );
    await clock.advance(5_000);
    await until(async () => (await fake.read(signal)).rules.length === 2, "the rule to come back");
    await assertStands([first]);
  });

  it("reads the kernel now and then even while pods come and go all the time", async () => {
    const { keeper, clock, fake, calls, signal, hold, stop, assertStands } = setUp();
    await keeper.setView(view);
    await using _ = running(keeper, stop);
    await fake.apply([{ op: "remove-rule", rule: wantedNetwork(view, []).rules[0] as never }], signal);
    const release = hold();
    const added = keeper.addPod(first);
    await clock.advance(5_000);
    release();
    await added;
    await until(() => calls.reads === 2, "the second read");
    await keeper.addPod(second);
    await assertStands([first, second]);
  });

  it("tries again by itself after a failure, with back-off", async () => {
    const { keeper, clock, failNext, stop, assertStands, calls } = setUp();
    failNext(3);
    await assert.rejects(keeper.setView(view), /told to fail/);
    await using _ = running(keeper, stop);
    await clock.advance(5_000);
    await until(() => calls.applies === 2, "the second try");
    for (let tries = 3; tries <= 4; tries++) {
      await new Promise(setImmediate);
      await clock.advance(5_000);
      await until(() => calls.applies >= tries, `try ${tries}`);
    }
    await until(() => calls.atOnce === 0, "the end of the last try");
    await assertStands([]);
  });

  it("ends with its signal", async () => {
    const { keeper, stop } = setUp();
    const loop = keeper.run();
    stop();
    await assert.rejects(loop, { name: "AbortError" });
  });
});
