import { deepEqual, equal, throws } from "node:assert/strict";
import { addressAt } from "#core/cidr.ts";
import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import { underlay } from "../../embedded/cluster-config.ts";
import { type HostPlan, type HostsKnown, type Labels, labelsOfFirst, planHosts } from "../../embedded/host-plan.ts";

const none: HostsKnown = { hosts: [], last: undefined, room: 256 };
const unlabelled = (count: number) => Array.from({ length: count }, () => ({}));
const plan = (count: number, known: Partial<HostsKnown> = {}, taken: readonly string[] = []) =>
  planHosts({ labels: unlabelled(count), taken }, { ...none, ...known });
const texts = (plans: readonly HostPlan[]) => plans.map(({ name, address }) => `${name} ${formatIpv4(address)}`);

describe("the plan of new hosts", () => {
  it("numbers the first ones from 1 on, with addresses beside it", () => {
    deepEqual(texts(plan(3)), ["node-1 172.18.1.1", "node-2 172.18.1.2", "node-3 172.18.1.3"]);
    const many = plan(250);
    equal(new Set(many.map(({ address }) => address)).size, 250);
    equal(new Set(many.map(({ name }) => name)).size, 250);
  });

  it("takes the lowest number that is free, and never that of a node which still exists", () => {
    const [one, , three] = plan(3);
    const hosts = [one, three].filter((host) => host !== undefined);
    deepEqual(
      plan(3, { hosts, last: three?.address }, ["node-4"]).map(({ name }) => name),
      ["node-2", "node-5", "node-6"],
    );
  });

  it("gives an address again only when all others had their turn", () => {
    const first = plan(2);
    const [replaced] = plan(1, { hosts: first.slice(0, 1), last: first[1]?.address });
    equal(texts(replaced === undefined ? [] : [replaced])[0], "node-2 172.18.1.3");
    const lastOfAll = addressAt(underlay, 65_534 - 1);
    const wrapped = plan(2, { hosts: first.slice(0, 1), last: lastOfAll as Ipv4 });
    deepEqual(
      wrapped.map(({ address }) => formatIpv4(address)),
      ["172.18.255.254", "172.18.1.2"],
    );
  });

  it("keeps the labels of each", () => {
    const labels: readonly Labels[] = [{ a: "1" }, { b: "2" }];
    deepEqual(
      planHosts({ labels, taken: [] }, none).map((host) => host.labels),
      labels,
    );
  });

  for (const { what, known, count, message } of [
    { what: "251 hosts", known: none, count: 251, message: /has 0 of at most 250 nodes \(it can't have more\)/ },
    {
      what: "a host for which there is no block",
      known: { ...none, hosts: plan(2), room: 2 },
      count: 1,
      message: /has 2 of at most 2 nodes \(its range of pod addresses has room for no more\): 1 more don't fit/,
    },
  ]) {
    it(`refuses ${what}`, () =>
      throws(() => planHosts({ labels: unlabelled(count), taken: [] }, known), { kind: "exhausted", message }));
  }

  it("puts the first hosts in their zones", () => {
    const zone = "topology.kubernetes.io/zone";
    deepEqual(labelsOfFirst({ nodeCount: 3, zones: { a: 2, b: 1 } }), [{ [zone]: "a" }, { [zone]: "a" }, { [zone]: "b" }]);
    deepEqual(labelsOfFirst({ nodeCount: 2, zones: {} }), [{}, {}]);
    const nodeGroup = { name: "default", min: 1, max: 3 };
    deepEqual(labelsOfFirst({ nodeCount: 1, zones: {}, nodeGroup }), [{ "podwire.dev/node-group": "default" }]);
  });
});
