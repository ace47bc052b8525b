/* What to do so that the host's network becomes the wanted one. Pure: golden files in test/golden show whole plans. */

import { formatCidr } from "#core/cidr.ts";
import { renderRule } from "#kernel/ip.ts";
import type { NetworkState, NetworkStep, PodLink, Route, Rule, SetElement } from "#kernel/network.ts";
import { digestOf, renderElement } from "#kernel/nft.ts";
import type { WantedNetwork } from "./wanted-network.ts";

/**
 * Removes before it adds, so that an address which moved never has two routes. A host end goes before its namespace. A pod that has
 * only one of the two is made anew.
 */
export function planNetwork(wanted: WantedNetwork, actual: NetworkState): NetworkStep[] {
  const whole = wanted.links.filter((link) => actual.devices.includes(link.device) && actual.netns.includes(link.netns));
  const keptDevices = new Set(whole.map(({ device }) => device));
  const keptNetns = new Set(whole.map(({ netns }) => netns));
  const goneDevices = actual.devices.filter((device) => !keptDevices.has(device));
  // The kernel drops a device's routes with it, also those of a pod that is made anew.
  const keptRoutes = actual.routes.filter(({ to }) => to === "unreachable" || !goneDevices.includes(to.device));

  const routes = difference(wanted.routes, keptRoutes, routeText);
  const rules = difference(wanted.rules, actual.rules, ruleText);
  const elements = difference(wanted.elements, actual.elements, elementText);
  const newLinks = wanted.links.filter((link) => !whole.includes(link));
  // Adding a route overwrites the one to the same destination.
  const overwritten = new Set(wanted.routes.map(destinationText));
  const staleRoutes = routes.stale.filter((route) => !overwritten.has(destinationText(route)));

  return [
    ...rules.stale.map((rule): NetworkStep => ({ op: "remove-rule", rule })),
    ...staleRoutes.map((route): NetworkStep => ({ op: "remove-route", route })),
    ...goneDevices.map((device): NetworkStep => ({ op: "remove-device", device })),
    ...actual.netns.filter((netns) => !keptNetns.has(netns)).map((netns): NetworkStep => ({ op: "remove-netns", netns })),
    ...(actual.ruleBase === digestOf(wanted.ruleBase) ? [] : [{ op: "set-rule-base", base: wanted.ruleBase } as const]),
    ...elements.stale.map((element): NetworkStep => ({ op: "remove-element", element })),
    ...newLinks.map((link): NetworkStep => ({ op: "add-pod", link })),
    ...routes.missing.map((route): NetworkStep => ({ op: "add-route", route })),
    ...rules.missing.map((rule): NetworkStep => ({ op: "add-rule", rule })),
    ...elements.missing.map((element): NetworkStep => ({ op: "add-element", element })),
  ];
}

/** What the network is once `planNetwork`'s steps are done. */
export function achieved(wanted: WantedNetwork): NetworkState {
  return {
    routes: wanted.routes,
    rules: wanted.rules,
    devices: wanted.links.map(({ device }) => device),
    netns: wanted.links.map(({ netns }: PodLink) => netns),
    ruleBase: digestOf(wanted.ruleBase),
    elements: wanted.elements,
  };
}

function difference<T>(wanted: readonly T[], actual: readonly T[], text: (item: T) => string): { stale: T[]; missing: T[] } {
  const wantedTexts = new Set(wanted.map(text));
  const actualTexts = new Set(actual.map(text));
  return {
    stale: actual.filter((item) => !wantedTexts.has(text(item))),
    missing: wanted.filter((item) => !actualTexts.has(text(item))),
  };
}

function destinationText({ table, destination }: Route): string {
  return `${table} ${formatCidr(destination)}`;
}

function routeText(route: Route): string {
  const { to } = route;
  return `${destinationText(route)} ${to === "unreachable" ? to : `${to.device} ${to.source ?? ""}`}`;
}

function ruleText(rule: Rule): string {
  return renderRule("add", rule);
}

function elementText(element: SetElement): string {
  return renderElement("add", element);
}
