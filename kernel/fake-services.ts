/* The table of Services in memory, for tests of what stands above it. It passes the conformance suite that Linux passes. */

import { AppError } from "#core/errors.ts";
import { renderRemoval } from "./conntrack.ts";
import { elementId } from "./service-rules.ts";
import type { EndpointTraffic, ServiceKernel, ServiceTable, TableChange, UdpFlow } from "./service-table.ts";

export interface FakeServices extends ServiceKernel {
  readonly table: ServiceTable;
  /** Every change that was made, in order. */
  readonly changes: readonly TableChange[];
  flows: readonly UdpFlow[];
  /** As the rules count it. */
  traffic: readonly EndpointTraffic[];
  /** As somebody who deletes the whole table. */
  clear(): void;
}

export function createFakeServices(): FakeServices {
  let table: ServiceTable = empty;
  let isThere = false;
  const changes: TableChange[] = [];
  return {
    changes,
    flows: [],
    traffic: [],
    get table() {
      return table;
    },
    clear() {
      table = empty;
      isThere = false;
      this.traffic = [];
    },
    async readNames(signal) {
      signal.throwIfAborted();
      return { chains: [...table.chains.keys()], affinitySets: [...table.affinitySets] };
    },
    async apply(change, signal) {
      signal.throwIfAborted();
      if (!isThere && !change.anew) throw new AppError("internal", "nft: there is no table");
      table = changed(table, change);
      isThere = true;
      changes.push(change);
    },
    async readTraffic(signal) {
      signal.throwIfAborted();
      return [...this.traffic];
    },
    async readUdpFlows(signal) {
      signal.throwIfAborted();
      return [...this.flows];
    },
    async removeUdpFlows(flows, signal) {
      signal.throwIfAborted();
      const gone = new Set(flows.map(flowText));
      this.flows = this.flows.filter((flow) => !gone.has(flowText(flow)));
    },
  };
}

const empty: ServiceTable = { chains: new Map(), affinitySets: new Set(), elements: new Map() };

function changed(before: ServiceTable, change: TableChange): ServiceTable {
  const elements = new Map(change.anew ? [] : before.elements);
  for (const element of change.staleElements) mustHave(elements.delete(elementId(element)), element.key);
  for (const element of change.elements) {
    const known = elements.get(elementId(element));
    mustHave(known === undefined || known.value === element.value, element.key);
    elements.set(elementId(element), element);
  }
  const chains = new Map([...before.chains, ...change.chains]);
  for (const name of change.staleChains) mustHave(chains.delete(name), name);
  const affinitySets = new Set([...before.affinitySets, ...change.affinitySets]);
  for (const name of change.staleAffinitySets) mustHave(affinitySets.delete(name), name);

  const texts = [...[...chains.values()].flatMap(({ rules }) => rules), ...[...elements.values()].map(({ value = "" }) => value)];
  for (const text of texts) {
    for (const [, name = ""] of text.matchAll(/goto ([^\s,}]+)/g)) mustHave(chains.has(name), name);
    for (const [, name = ""] of text.matchAll(/@(affinity[^\s,}]+)/g)) mustHave(affinitySets.has(name), name);
  }
  return { chains, affinitySets, elements };
}

function mustHave(condition: boolean, name: string): void {
  if (!condition) throw new AppError("internal", `nft: ${name} is not as the change supposes`);
}

function flowText(flow: UdpFlow): string {
  return renderRemoval(flow).join(" ");
}
