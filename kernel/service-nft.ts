/* The table of Services, as text for `nft -f -` and from `nft -j`. The table itself is never deleted. */

import type { EndpointTraffic, TableChange, TableElement, TableNames } from "./service-table.ts";

const table = "ip podwire_services";
const affinityPrefix = "affinity/";
const clientsMax = 65_535;
/** Where they are full, an endpoint that is new goes uncounted until another is forgotten. */
const countedMax = 65_535;
const countedFor = "1h";

/**
 * (1) A chain that goes, or that others stop leading to, is emptied and its elements removed before anything is deleted.
 * (2) Affinity sets keep their elements over everything but the end of their endpoint, and sets of counters over everything.
 */
export function renderTableChange(change: TableChange): string[] {
  const { anew, chains, affinitySets, elements, staleElements, staleChains, staleAffinitySets } = change;
  return [
    ...(anew ? declarations : []),
    ...affinitySets.map((name) => `add set ${table} ${name} { type ipv4_addr; size ${clientsMax}; flags dynamic,timeout; }`),
    ...[...chains].map(([name, { hook }]) =>
      hook === undefined ? `add chain ${table} ${name}` : `add chain ${table} ${name} { ${hook}; policy accept; }`,
    ),
    ...staleElements.map((element) => `delete element ${table} ${element.in} { ${element.key} }`),
    ...[...chains.keys(), ...staleChains].map((name) => `flush chain ${table} ${name}`),
    ...[...chains].flatMap(([name, { rules }]) => rules.map((rule) => `add rule ${table} ${name} ${rule}`)),
    ...addElements(elements),
    ...staleChains.map((name) => `delete chain ${table} ${name}`),
    ...staleAffinitySets.map((name) => `delete set ${table} ${name}`),
  ];
}

const declarations = [
  `add table ${table}`,
  `add map ${table} services { type ipv4_addr . inet_proto . inet_service : verdict; }`,
  `add map ${table} refusals { type ipv4_addr . inet_proto . inet_service : verdict; }`,
  `add set ${table} addresses { type ipv4_addr; }`,
  ...["connections", "requests"].map(
    (name) =>
      `add set ${table} ${name} { type ipv4_addr . inet_proto . inet_service; size ${countedMax}; flags dynamic,timeout; timeout ${countedFor}; }`,
  ),
  `flush map ${table} services`,
  `flush map ${table} refusals`,
  `flush set ${table} addresses`,
];

/** One line for each map: a line for each element costs nft more than the element. */
function addElements(elements: readonly TableElement[]): string[] {
  return [...Map.groupBy(elements, (element) => element.in)].map(([name, group]) => {
    const items = group.map(({ key, value }) => (value === undefined ? key : `${key} : ${value}`));
    return `add element ${table} ${name} { ${items.join(", ")} }`;
  });
}

interface NamesJson {
  readonly nftables: readonly {
    readonly chain?: { readonly table: string; readonly name: string };
    readonly set?: { readonly table: string; readonly name: string };
  }[];
}

/** From `nft -j list chains ip` and `nft -j -t list sets ip`. */
export function parseNames(...answers: readonly string[]): TableNames {
  const items = answers.flatMap((json) => (JSON.parse(json) as NamesJson).nftables);
  const ours = <T extends { readonly table: string; readonly name: string }>(item: T | undefined) =>
    item !== undefined && `ip ${item.table}` === table ? [item.name] : [];
  return {
    chains: items.flatMap(({ chain }) => ours(chain)),
    affinitySets: items.flatMap(({ set }) => ours(set)).filter((name) => name.startsWith(affinityPrefix)),
  };
}

type CounterSet = "connections" | "requests";

/** What to list, for parseTraffic. */
export function counterSet(name: CounterSet): string[] {
  return ["set", ...table.split(" "), name];
}

interface CountersJson {
  readonly nftables: readonly {
    readonly set?: {
      readonly elem?: readonly {
        readonly elem: {
          readonly val: { readonly concat: readonly [address: string, protocol: string, port: number] };
          readonly counter: { readonly packets: number };
        };
      }[];
    };
  }[];
}

/** From `nft -j list set` of each. */
export function parseTraffic(answers: Readonly<Record<CounterSet, string>>): EndpointTraffic[] {
  const [connections, requests] = [parseCounters(answers.connections), parseCounters(answers.requests)];
  return [...new Map([...connections, ...requests])].map(([key, { address, protocol, port }]) => ({
    ...{ address, protocol, port },
    ...{ connections: connections.get(key)?.packets ?? 0, requests: requests.get(key)?.packets ?? 0 },
  }));
}

interface Counter extends Pick<EndpointTraffic, "address" | "protocol" | "port"> {
  readonly packets: number;
}

function parseCounters(json: string): Map<string, Counter> {
  const elements = (JSON.parse(json) as CountersJson).nftables.flatMap(({ set }) => set?.elem ?? []);
  return new Map(
    elements.map(({ elem: { val, counter } }) => {
      const [address, protocol, port] = val.concat;
      return [val.concat.join(), { address, protocol, port, packets: counter.packets }];
    }),
  );
}
