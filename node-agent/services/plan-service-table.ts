/* What to do so that the table of Services becomes the wanted one, in one transaction. Pure: golden files in test/golden/services. */

import { elementId } from "#kernel/service-rules.ts";
import type { Chain, ServiceTable, TableChange, TableElement, TableNames } from "#kernel/service-table.ts";

/** Touches only what differs; undefined where nothing does. */
export function planChange(wanted: ServiceTable, actual: ServiceTable): TableChange | undefined {
  const change: TableChange = {
    anew: false,
    chains: new Map([...wanted.chains].filter(([name, chain]) => !sameChain(chain, actual.chains.get(name)))),
    elements: missing(wanted.elements, actual.elements),
    staleElements: missing(actual.elements, wanted.elements),
    affinitySets: [...wanted.affinitySets].filter((name) => !actual.affinitySets.has(name)),
    staleChains: [...actual.chains.keys()].filter((name) => !wanted.chains.has(name)),
    staleAffinitySets: [...actual.affinitySets].filter((name) => !wanted.affinitySets.has(name)),
  };
  const { chains, elements, staleElements, affinitySets, staleChains, staleAffinitySets } = change;
  const parts = [elements, staleElements, affinitySets, staleChains, staleAffinitySets];
  return chains.size === 0 && parts.every((part) => part.length === 0) ? undefined : change;
}

/** Makes all of it, whatever stands there under these names; affinity sets that are still wanted keep their clients. */
export function planAnew(wanted: ServiceTable, { chains, affinitySets }: TableNames): TableChange {
  return {
    anew: true,
    chains: wanted.chains,
    elements: [...wanted.elements.values()],
    staleElements: [],
    affinitySets: [...wanted.affinitySets],
    staleChains: chains.filter((name) => !wanted.chains.has(name)),
    staleAffinitySets: affinitySets.filter((name) => !wanted.affinitySets.has(name)),
  };
}

function missing(from: ReadonlyMap<string, TableElement>, there: ReadonlyMap<string, TableElement>): TableElement[] {
  return [...from.values()].filter((element) => {
    const other = there.get(elementId(element));
    return other === undefined || other.value !== element.value;
  });
}

function sameChain(a: Chain, b: Chain | undefined): boolean {
  return b !== undefined && a.rules.length === b.rules.length && a.rules.every((rule, i) => rule === b.rules[i]);
}
