import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { createFakeNetwork, type FakeNetwork } from "#kernel/fake-network.ts";
import { mainTable, type NetworkStep, podTable, type Route, type RuleBase, type SetElement, tunName } from "#kernel/network.ts";
import { digestOf } from "#kernel/nft.ts";
import { achieved, planNetwork } from "../../../node-agent/reconcile/plan-network.ts";
import { wantedNetwork } from "../../../node-agent/reconcile/wanted-network.ts";
import { anyWanted, balancerRange, nodeAddress, peerAddress, podRange, serviceRange, sortedState } from "./any-network.ts";

const { signal } = new AbortController();
const prefix = "node.";
const ruleBase: RuleBase = { podRange, nodeAddress, dnsAddress: parseIpv4("10.96.0.10") };

/** Steps that lead a fresh network into some state, sensible or not: half-made pods, routes to nowhere, another node's rules. */
const anyMess: fc.Arbitrary<NetworkStep[]> = fc
  .record({
    base: fc.option(fc.constantFrom<RuleBase>(ruleBase, { ...ruleBase, nodeAddress: parseIpv4("192.168.0.9") })),
    pods: fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom("whole", "device", "netns")), {
      selector: ([number]) => number,
      maxLength: 5,
    }),
    routes: fc.array(
      fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom("pod", "wrong pod", "tun", "unreachable", "peer")),
      {
        maxLength: 6,
      },
    ),
    rules: fc.uniqueArray(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
    elements: fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom("pods", "nodes")), { maxLength: 5 }),
  })
  .map(({ base, pods, routes, rules, elements }) => {
    const devices = new Set(pods.filter(([, kind]) => kind !== "netns").map(([number]) => `pwpod${number}`));
    return [
      ...pods.flatMap(([number, kind]): NetworkStep[] => {
        const link = { netns: `${prefix}pod-${number}`, device: `pwpod${number}`, address: podAddress(number) };
        if (kind === "whole") return [{ op: "add-pod", link }];
        const half: NetworkStep =
          kind === "device" ? { op: "remove-netns", netns: link.netns } : { op: "remove-device", device: link.device };
        return [{ op: "add-pod", link }, half];
      }),
      ...routes
        .map(([number, kind]): Route => someRoute(number, kind))
        .filter(({ to }) => to === "unreachable" || to.device === tunName || devices.has(to.device))
        .map((route): NetworkStep => ({ op: "add-route", route })),
      ...rules.map(
        (number): NetworkStep => ({
          op: "add-rule",
          rule: { priority: 100, from: parseCidr(`10.244.${number}.0/24`), table: podTable },
        }),
      ),
      ...(base === null ? [] : [{ op: "set-rule-base", base } as const]),
      ...(base === null ? [] : elements).map(
        ([number, set]): NetworkStep => ({ op: "add-element", element: someElement(number, set) }),
      ),
    ];
  });

function podAddress(number: number) {
  return parseIpv4(`10.244.1.${number + 2}`);
}

function someRoute(number: number, kind: "pod" | "wrong pod" | "tun" | "unreachable" | "peer"): Route {
  const destination = { base: podAddress(number), prefix: 32 };
  switch (kind) {
    case "pod":
      return { table: mainTable, destination, to: { device: `pwpod${number}`, source: nodeAddress } };
    case "wrong pod":
      return { table: mainTable, destination, to: { device: `pwpod${number + 1}` } };
    case "tun":
      return { table: mainTable, destination: parseCidr(`10.244.${number}.0/24`), to: { device: tunName } };
    case "unreachable":
      return { table: mainTable, destination: parseCidr(`10.244.${number}.0/24`), to: "unreachable" };
    case "peer":
      return { table: podTable, destination: { base: peerAddress(number), prefix: 32 }, to: { device: tunName } };
  }
}

function someElement(number: number, set: "pods" | "nodes"): SetElement {
  return set === "nodes" ? { set, address: peerAddress(number) } : { set, device: `pwpod${number}`, address: podAddress(number) };
}

async function networkAfter(steps: readonly NetworkStep[]): Promise<FakeNetwork> {
  const network = createFakeNetwork();
  await network.apply(steps, signal);
  return network;
}

describe("planNetwork", () => {
  it("leads from any state to the wanted one, and then has nothing to do", async () => {
    await fc.assert(
      fc.asyncProperty(anyMess, anyWanted, async (mess, make) => {
        const network = await networkAfter(mess);
        const wanted = make(prefix);
        await network.apply(planNetwork(wanted, await network.read(signal)), signal);
        const reached = await network.read(signal);
        assert.deepEqual(sortedState(reached), sortedState(achieved(wanted)));
        assert.deepEqual(planNetwork(wanted, reached), []);
      }),
      { numRuns: 1_000 },
    );
  });

  it("removes everything before it adds anything, and a device before its namespace", async () => {
    await fc.assert(
      fc.asyncProperty(anyMess, anyWanted, async (mess, make) => {
        const network = await networkAfter(mess);
        const steps = planNetwork(make(prefix), await network.read(signal));
        const ops = steps.map(({ op }) => op);
        const firstAdd = ops.findIndex((op) => op.startsWith("add-"));
        assert.ok(firstAdd < 0 || ops.findLastIndex((op) => op.startsWith("remove-")) < firstAdd);
        const firstNetns = ops.indexOf("remove-netns");
        assert.ok(firstNetns < 0 || ops.lastIndexOf("remove-device") < firstNetns);
      }),
    );
  });

  it("gives an address one route at most, at every step", async () => {
    await fc.assert(
      fc.asyncProperty(anyMess, anyWanted, async (mess, make) => {
        const network = await networkAfter(mess);
        for (const step of planNetwork(make(prefix), await network.read(signal))) {
          await network.apply([step], signal);
          const { routes } = await network.read(signal);
          const destinations = routes.map(({ table, destination }) => JSON.stringify([table, destination]));
          assert.equal(new Set(destinations).size, destinations.length);
        }
      }),
    );
  });

  it("leaves what is right alone", async () => {
    const view = {
      nodeAddress,
      podRange,
      serviceRange,
      balancerRange,
      podCidrs: [parseCidr("10.244.1.0/24")],
      peerAddresses: [peerAddress(2)],
    };
    const first = { netns: `${prefix}pod-0`, device: "pwpod0", address: podAddress(0) };
    const second = { netns: `${prefix}pod-1`, device: "pwpod1", address: podAddress(1) };
    const steps = planNetwork(wantedNetwork(view, [first, second]), achieved(wantedNetwork(view, [first])));
    assert.deepEqual(steps, [
      { op: "add-pod", link: second },
      {
        op: "add-route",
        route: {
          table: mainTable,
          destination: { base: second.address, prefix: 32 },
          to: { device: "pwpod1", source: nodeAddress },
        },
      },
      { op: "add-element", element: { set: "pods", device: "pwpod1", address: second.address } },
    ]);
  });

  for (const missing of ["device", "namespace"] as const) {
    it(`makes a pod anew whose ${missing} is missing, with the route to it`, async () => {
      const link = { netns: `${prefix}pod-0`, device: "pwpod0", address: podAddress(0) };
      const wanted = wantedNetwork(
        { nodeAddress, podRange, serviceRange, balancerRange, podCidrs: [parseCidr("10.244.1.0/24")], peerAddresses: [] },
        [link],
      );
      const network = await networkAfter(planNetwork(wanted, await createFakeNetwork().read(signal)));
      await network.apply(
        [missing === "device" ? { op: "remove-device", device: link.device } : { op: "remove-netns", netns: link.netns }],
        signal,
      );
      await network.apply(planNetwork(wanted, await network.read(signal)), signal);
      assert.deepEqual(sortedState(await network.read(signal)), sortedState(achieved(wanted)));
      assert.equal(network.log.filter(({ op }) => op === "add-pod").length, 2);
    });
  }

  it("sets the rule base only where another one stands", () => {
    const wanted = wantedNetwork({ nodeAddress, podRange, serviceRange, balancerRange, podCidrs: [], peerAddresses: [] }, []);
    const opsFrom = (ruleBase: string | undefined) => planNetwork(wanted, { ...achieved(wanted), ruleBase }).map(({ op }) => op);
    assert.deepEqual(opsFrom(digestOf(wanted.ruleBase)), []);
    assert.deepEqual(opsFrom(undefined), ["set-rule-base"]);
    assert.deepEqual(opsFrom(digestOf({ ...wanted.ruleBase, nodeAddress: peerAddress(7) })), ["set-rule-base"]);
  });
});
