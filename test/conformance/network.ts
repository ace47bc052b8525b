/* What every Network does, whether the kernel stands behind it or a few maps. `open` gives an empty one each time, on a host that
 * has the tunnel's device and the node address 192.168.0.1, and whose pods' namespaces begin with `netnsPrefix`. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCidr } from "#core/cidr.ts";
import { isAppError } from "#core/errors.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import {
  localTable,
  loopbackName,
  mainTable,
  type Network,
  type NetworkStep,
  type PodLink,
  podTable,
  type Route,
  type Rule,
  type RuleBase,
  type SetElement,
  tunName,
} from "#kernel/network.ts";
import { digestOf } from "#kernel/nft.ts";
import { achieved, planNetwork } from "../../node-agent/reconcile/plan-network.ts";
import { wantedNetwork } from "../../node-agent/reconcile/wanted-network.ts";
import { anyWanted, sortedState } from "../node-agent/reconcile/any-network.ts";

export interface OpenNetwork extends AsyncDisposable {
  readonly network: Network;
  readonly netnsPrefix: string;
}

type Open = () => Promise<OpenNetwork>;

export function describeNetwork(name: string, open: Open): void {
  describe(`network, ${name}`, () => {
    it("starts empty", async () => {
      await using opened = await open();
      assert.deepEqual(await opened.network.read(signal), empty);
    });

    describeRoutes(open);
    describeRules(open);
    describeRuleBase(open);
    describePods(open);
    describeApplying(open);
  });
}

const { signal } = new AbortController();
const nodeAddress = parseIpv4("192.168.0.1");
const empty = { routes: [], rules: [], devices: [], netns: [], ruleBase: undefined, elements: [] };

const toTun: Route = { table: mainTable, destination: parseCidr("10.244.0.0/16"), to: { device: tunName, source: nodeAddress } };
const unreachable: Route = { table: mainTable, destination: parseCidr("10.244.1.0/24"), to: "unreachable" };
const rule: Rule = { priority: 100, from: parseCidr("10.244.1.0/24"), table: podTable };
const base: RuleBase = { podRange: parseCidr("10.244.0.0/16"), nodeAddress, dnsAddress: parseIpv4("10.96.0.10") };
const otherBase: RuleBase = { ...base, podRange: parseCidr("10.245.0.0/16") };
const nodeElement: SetElement = { set: "nodes", address: parseIpv4("192.168.0.2") };
const podElement: SetElement = { set: "pods", device: "pw0123456789ab", address: parseIpv4("10.244.1.2") };

/** For assert.rejects: what a caller can do nothing about but read again. */
const refused = (error: unknown) => isAppError(error, "internal");

function describeRoutes(open: Open): void {
  const routes: readonly (readonly [string, Route])[] = [
    ["to a device, with a source", toTun],
    ["to a device, without one", { ...toTun, to: { device: tunName } }],
    [
      "to one address, in the pods' table",
      { table: podTable, destination: parseCidr("192.168.0.2/32"), to: { device: tunName } },
    ],
    ["that is unreachable", unreachable],
    [
      "that is unreachable, for one address in the pods' table",
      { ...unreachable, table: podTable, destination: parseCidr("10.9.9.9/32") },
    ],
    [
      "to the host itself",
      {
        ...{ table: localTable, destination: parseCidr("10.96.0.10/32") },
        to: { device: loopbackName, source: nodeAddress },
      },
    ],
    ["to everywhere, in the pods' table", { table: podTable, destination: parseCidr("0.0.0.0/0"), to: { device: tunName } }],
  ];
  for (const [sentence, route] of routes) {
    it(`keeps a route ${sentence}, and removes it`, async () => {
      await using opened = await open();
      const { network } = opened;
      await network.apply([{ op: "add-route", route }], signal);
      assert.deepEqual(await network.read(signal), { ...empty, routes: [route] });
      await network.apply([{ op: "remove-route", route }], signal);
      assert.deepEqual(await network.read(signal), empty);
    });
  }

  it("keeps routes to the same destination in two tables apart", async () => {
    await using opened = await open();
    const { network } = opened;
    const other = { ...toTun, table: podTable };
    await network.apply(
      [
        { op: "add-route", route: toTun },
        { op: "add-route", route: other },
      ],
      signal,
    );
    await network.apply([{ op: "remove-route", route: toTun }], signal);
    assert.deepEqual((await network.read(signal)).routes, [other]);
  });

  for (const [from, to] of [
    [{ ...unreachable, destination: toTun.destination }, toTun],
    [toTun, { ...unreachable, destination: toTun.destination }],
    [toTun, { ...toTun, to: { device: tunName } }],
  ] as const) {
    it(`lets a route ${targetOf(from)} be replaced by one ${targetOf(to)}`, async () => {
      await using opened = await open();
      const { network } = opened;
      await network.apply(
        [
          { op: "add-route", route: from },
          { op: "add-route", route: to },
        ],
        signal,
      );
      assert.deepEqual((await network.read(signal)).routes, [to]);
    });
  }

  it("takes a route that it has as done", async () => {
    await using opened = await open();
    const { network } = opened;
    await network.apply(
      [
        { op: "add-route", route: toTun },
        { op: "add-route", route: toTun },
      ],
      signal,
    );
    assert.deepEqual((await network.read(signal)).routes, [toTun]);
  });

  const wrong: readonly (readonly [string, NetworkStep])[] = [
    ["to remove a route that is not there", { op: "remove-route", route: { ...toTun, destination: parseCidr("10.96.0.0/16") } }],
    ["to remove a route that leads elsewhere", { op: "remove-route", route: { ...unreachable, destination: toTun.destination } }],
    ["a route to a device that is not there", { op: "add-route", route: { ...toTun, to: { device: "pwnobody" } } }],
  ];
  for (const [sentence, step] of wrong) {
    it(`refuses ${sentence}`, async () => {
      await using opened = await open();
      const { network } = opened;
      await network.apply([{ op: "add-route", route: toTun }], signal);
      await assert.rejects(network.apply([step], signal), refused);
      assert.deepEqual((await network.read(signal)).routes, [toTun]);
    });
  }
}

function describeRules(open: Open): void {
  it("keeps rules, and removes each by itself", async () => {
    await using opened = await open();
    const { network } = opened;
    const second: Rule = { ...rule, from: parseCidr("10.244.9.7/32") };
    await network.apply(
      [
        { op: "add-rule", rule },
        { op: "add-rule", rule: second },
      ],
      signal,
    );
    assert.deepEqual(sortedState(await network.read(signal)).rules, sortedState({ ...empty, rules: [rule, second] }).rules);
    await network.apply([{ op: "remove-rule", rule }], signal);
    assert.deepEqual(await network.read(signal), { ...empty, rules: [second] });
  });

  it("keeps a rule for marked packets, and removes it", async () => {
    await using opened = await open();
    const { network } = opened;
    const marked: Rule = { priority: 90, mark: 0x10000, table: mainTable };
    await network.apply([{ op: "add-rule", rule: marked }], signal);
    assert.deepEqual(await network.read(signal), { ...empty, rules: [marked] });
    await network.apply([{ op: "remove-rule", rule: marked }], signal);
    assert.deepEqual(await network.read(signal), empty);
  });

  it("refuses a rule that it has, and to remove one that it hasn't", async () => {
    await using opened = await open();
    const { network } = opened;
    await assert.rejects(network.apply([{ op: "remove-rule", rule }], signal), refused);
    await network.apply([{ op: "add-rule", rule }], signal);
    await assert.rejects(network.apply([{ op: "add-rule", rule }], signal), refused);
    assert.deepEqual((await network.read(signal)).rules, [rule]);
  });
}

function describeRuleBase(open: Open): void {
  it("tells which rule base it has", async () => {
    await using opened = await open();
    const { network } = opened;
    for (const next of [base, otherBase, otherBase, base]) {
      await network.apply([{ op: "set-rule-base", base: next }], signal);
      assert.equal((await network.read(signal)).ruleBase, digestOf(next));
    }
  });

  it("keeps the elements of both sets when the rule base is set again or replaced", async () => {
    await using opened = await open();
    const { network } = opened;
    const elements = [podElement, nodeElement];
    await network.apply(
      [{ op: "set-rule-base", base }, ...elements.map((element) => ({ op: "add-element", element }) as const)],
      signal,
    );
    for (const next of [base, otherBase]) {
      await network.apply([{ op: "set-rule-base", base: next }], signal);
      assert.deepEqual(sortedState(await network.read(signal)).elements, sortedState({ ...empty, elements }).elements);
    }
  });

  it("adds and removes elements one by one, and takes one that it has as done", async () => {
    await using opened = await open();
    const { network } = opened;
    const moved: SetElement = { ...podElement, address: parseIpv4("10.244.1.3") };
    await network.apply(
      [
        { op: "set-rule-base", base },
        { op: "add-element", element: podElement },
      ],
      signal,
    );
    await network.apply(
      [
        { op: "add-element", element: podElement },
        { op: "add-element", element: moved },
      ],
      signal,
    );
    await network.apply([{ op: "remove-element", element: podElement }], signal);
    assert.deepEqual((await network.read(signal)).elements, [moved]);
  });

  it("refuses an element without a rule base, and to remove one that it hasn't", async () => {
    await using opened = await open();
    const { network } = opened;
    await assert.rejects(network.apply([{ op: "add-element", element: nodeElement }], signal), refused);
    assert.deepEqual(await network.read(signal), empty);
    await network.apply([{ op: "set-rule-base", base }], signal);
    await assert.rejects(network.apply([{ op: "remove-element", element: nodeElement }], signal), refused);
  });
}

function describePods(open: Open): void {
  const linkOn = ({ netnsPrefix }: OpenNetwork): PodLink => ({
    netns: `${netnsPrefix}a`,
    device: "pw0123456789ab",
    address: parseIpv4("10.244.1.2"),
  });

  it("makes a pod's namespace and device, and removes them", async () => {
    await using opened = await open();
    const { network } = opened;
    const link = linkOn(opened);
    await network.apply([{ op: "add-pod", link }], signal);
    assert.deepEqual(await network.read(signal), { ...empty, devices: [link.device], netns: [link.netns] });
    await network.apply([{ op: "remove-device", device: link.device }], signal);
    assert.deepEqual(await network.read(signal), { ...empty, netns: [link.netns] });
    await network.apply([{ op: "remove-netns", netns: link.netns }], signal);
    assert.deepEqual(await network.read(signal), empty);
  });

  it("makes a pod and the route to it in one go", async () => {
    await using opened = await open();
    const { network } = opened;
    const link = linkOn(opened);
    const route = routeTo(link);
    await network.apply(
      [
        { op: "add-pod", link },
        { op: "add-route", route },
      ],
      signal,
    );
    assert.deepEqual(await network.read(signal), { ...empty, routes: [route], devices: [link.device], netns: [link.netns] });
  });

  it("removes the routes to a device with the device", async () => {
    await using opened = await open();
    const { network } = opened;
    const link = linkOn(opened);
    await network.apply(
      [
        { op: "add-pod", link },
        { op: "add-route", route: routeTo(link) },
        { op: "add-route", route: toTun },
      ],
      signal,
    );
    await network.apply([{ op: "remove-device", device: link.device }], signal);
    assert.deepEqual((await network.read(signal)).routes, [toTun]);
  });

  it("refuses a pod that is there, and to remove what is not", async () => {
    await using opened = await open();
    const { network } = opened;
    const link = linkOn(opened);
    await assert.rejects(network.apply([{ op: "remove-device", device: link.device }], signal), refused);
    await assert.rejects(network.apply([{ op: "remove-netns", netns: link.netns }], signal), refused);
    await network.apply([{ op: "add-pod", link }], signal);
    await assert.rejects(network.apply([{ op: "add-pod", link }], signal), refused);
    assert.deepEqual(await network.read(signal), { ...empty, devices: [link.device], netns: [link.netns] });
  });
}

function describeApplying(open: Open): void {
  it("does nothing for no steps", async () => {
    await using opened = await open();
    await opened.network.apply([], signal);
    assert.deepEqual(await opened.network.read(signal), empty);
  });

  it("does nothing once the signal has aborted", async () => {
    await using opened = await open();
    const { network } = opened;
    const reason = new Error("stopped");
    await assert.rejects(network.apply([{ op: "add-route", route: toTun }], AbortSignal.abort(reason)), reason);
    await assert.rejects(network.apply([{ op: "set-rule-base", base }], AbortSignal.abort(reason)), reason);
    await assert.rejects(network.apply([], AbortSignal.abort(reason)), reason);
    await assert.rejects(network.read(AbortSignal.abort(reason)), reason);
    assert.deepEqual(await network.read(signal), empty);
  });

  it("tells the truth after a list that failed in the middle, so that a new plan ends it", async () => {
    await using opened = await open();
    const { network, netnsPrefix } = opened;
    const wanted = wantedNetwork(
      {
        nodeAddress,
        podRange: base.podRange,
        serviceRange: parseCidr("10.96.0.0/16"),
        balancerRange: parseCidr("10.97.0.0/24"),
        podCidrs: [unreachable.destination],
        peerAddresses: [parseIpv4("192.168.0.2")],
      },
      [{ netns: `${netnsPrefix}a`, device: "pwa", address: parseIpv4("10.244.1.2") }],
    );
    const steps = planNetwork(wanted, await network.read(signal));
    for (let failAt = 0; failAt <= steps.length; failAt++) {
      const broken = steps.toSpliced(failAt, 0, { op: "remove-device", device: "pwnobody" });
      await assert.rejects(network.apply(broken, signal), refused);
      await network.apply(planNetwork(wanted, await network.read(signal)), signal);
      assert.deepEqual(sortedState(await network.read(signal)), sortedState(achieved(wanted)));
      await network.apply(
        planNetwork({ ...wanted, links: [], routes: [], rules: [], elements: [] }, await network.read(signal)),
        signal,
      );
    }
  });

  it("brings one wanted state after another about, and then has nothing to do", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyWanted, { minLength: 1, maxLength: 3 }), async (states) => {
        await using opened = await open();
        const { network, netnsPrefix } = opened;
        for (const make of states) {
          const wanted = make(netnsPrefix);
          await network.apply(planNetwork(wanted, await network.read(signal)), signal);
          const actual = await network.read(signal);
          assert.deepEqual(sortedState(actual), sortedState(achieved(wanted)));
          assert.deepEqual(planNetwork(wanted, actual), []);
        }
      }),
      { numRuns: 10 },
    );
  });
}

function routeTo({ device, address }: PodLink): Route {
  return { table: mainTable, destination: { base: address, prefix: 32 }, to: { device, source: nodeAddress } };
}

function targetOf({ to }: Route): string {
  return to === "unreachable" ? "that is unreachable" : `to a device ${to.source === undefined ? "without" : "with"} a source`;
}
