/* The Network port in memory, for tests of what stands above it. It passes the conformance suite that Linux passes. */

import { formatCidr } from "#core/cidr.ts";
import { AppError, unreachable } from "#core/errors.ts";
import { renderRule } from "./ip.ts";
import {
  loopbackName,
  type Network,
  type NetworkState,
  type NetworkStep,
  type Route,
  type Rule,
  type SetElement,
  tunName,
} from "./network.ts";
import { digestOf, renderElement } from "./nft.ts";

export interface FakeNetwork extends Network {
  /** Everything that was applied, in order. */
  readonly log: readonly NetworkStep[];
}

export function createFakeNetwork(): FakeNetwork {
  const routes = new Map<string, Route>();
  const rules = new Map<string, Rule>();
  const devices = new Set<string>();
  const netns = new Set<string>();
  const elements = new Map<string, SetElement>();
  let ruleBase: string | undefined;
  const log: NetworkStep[] = [];

  const hasDevice = (device: string) => device === tunName || device === loopbackName || devices.has(device);

  const apply = (step: NetworkStep): void => {
    switch (step.op) {
      case "add-route":
        mustHave(step.route.to === "unreachable" || hasDevice(step.route.to.device), step);
        routes.set(routeKey(step.route), step.route);
        break;
      case "remove-route":
        mustHave(leadsAlike(routes.get(routeKey(step.route)), step.route), step);
        routes.delete(routeKey(step.route));
        break;
      case "add-rule":
        mustLack(rules.has(ruleKey(step.rule)), step);
        rules.set(ruleKey(step.rule), step.rule);
        break;
      case "remove-rule":
        mustHave(rules.delete(ruleKey(step.rule)), step);
        break;
      case "add-pod":
        mustLack(netns.has(step.link.netns) || devices.has(step.link.device), step);
        netns.add(step.link.netns);
        devices.add(step.link.device);
        break;
      case "remove-device":
        mustHave(devices.delete(step.device), step);
        for (const [key, { to }] of routes) if (to !== "unreachable" && to.device === step.device) routes.delete(key);
        break;
      case "remove-netns":
        mustHave(netns.delete(step.netns), step);
        break;
      case "set-rule-base":
        ruleBase = digestOf(step.base);
        break;
      case "add-element":
        mustHave(ruleBase !== undefined, step);
        elements.set(elementKey(step.element), step.element);
        break;
      case "remove-element":
        mustHave(elements.delete(elementKey(step.element)), step);
        break;
      default:
        unreachable(step);
    }
  };

  return {
    log,
    async read(signal) {
      signal.throwIfAborted();
      const state: NetworkState = {
        routes: [...routes.values()],
        rules: [...rules.values()],
        devices: [...devices],
        netns: [...netns],
        ruleBase,
        elements: [...elements.values()],
      };
      return state;
    },
    async apply(steps, signal) {
      signal.throwIfAborted();
      for (const step of steps) {
        apply(step);
        log.push(step);
      }
    },
  };
}

function routeKey({ table, destination }: Route): string {
  return `${table} ${formatCidr(destination)}`;
}

/** Whether a route is the one that was named: without a source any will do. */
function leadsAlike(route: Route | undefined, { to: named }: Route): boolean {
  if (route === undefined) return false;
  if (route.to === "unreachable" || named === "unreachable") return route.to === named;
  return route.to.device === named.device && (named.source === undefined || route.to.source === named.source);
}

function ruleKey(rule: Rule): string {
  return renderRule("add", rule);
}

function elementKey(element: SetElement): string {
  return renderElement("add", element);
}

function mustHave(condition: boolean, step: NetworkStep): void {
  if (!condition) throw new AppError("internal", `${step.op}: no such thing`);
}

function mustLack(condition: boolean, step: NetworkStep): void {
  if (condition) throw new AppError("internal", `${step.op}: it exists`);
}
