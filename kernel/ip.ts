/* iproute2's language: lines for `ip -batch -`, and what `ip -json` answers. */

import { type Cidr, formatCidr, parseCidr } from "#core/cidr.ts";
import { formatIpv4, type Ipv4, parseIpv4 } from "#core/ipv4.ts";
import {
  hostMac,
  localTable,
  mainTable,
  type PodLink,
  podGateway,
  podMtu,
  type Route,
  type Rule,
  routeProtocol,
} from "./network.ts";

export function renderRoute(verb: "replace" | "del", route: Route): string {
  const { destination, table, to } = route;
  const type = to === "unreachable" ? "unreachable " : table === localTable ? "local " : "";
  const head = `route ${verb} ${type}${formatCidr(destination)}`;
  const where = to === "unreachable" ? "" : ` dev ${to.device}${to.source === undefined ? "" : ` src ${formatIpv4(to.source)}`}`;
  return `${head}${where} table ${table} protocol ${routeProtocol}`;
}

export function renderRule(verb: "add" | "del", rule: Rule): string {
  const selector = "from" in rule ? `from ${formatCidr(rule.from)}` : `fwmark ${rule.mark}/${rule.mark}`;
  return `rule ${verb} priority ${rule.priority} ${selector} lookup ${rule.table} protocol ${routeProtocol}`;
}

/** The host's half of a pod's network. Who lives there is said and not asked for: a busy machine may answer too late. */
export function renderPodHost({ netns, device, address }: PodLink): string[] {
  const mac = podMac(address);
  return [
    `netns add ${netns}`,
    `link add ${device} address ${hostMac} mtu ${podMtu} type veth peer name eth0 address ${mac} netns ${netns} mtu ${podMtu}`,
    `link set ${device} addrgenmode none`,
    `link set ${device} up`,
    `neighbour add ${formatIpv4(address)} lladdr ${mac} dev ${device} nud permanent`,
  ];
}

/** Locally administered, and of the address. */
export function podMac(address: Ipv4): string {
  const bytes = formatIpv4(address)
    .split(".")
    .map((byte) => Number(byte).toString(16).padStart(2, "0"));
  return ["0a", "58", ...bytes].join(":");
}

/** The pod's half, inside its namespace. The address is a /32: everything else lies behind the gateway. */
export function renderPodInside({ address }: PodLink): string[] {
  return [
    "link set lo up",
    `address add ${formatIpv4(address)}/32 dev eth0`,
    "link set eth0 up",
    `route add ${podGateway} dev eth0 scope link`,
    `route add default via ${podGateway} dev eth0`,
    `neighbour add ${podGateway} lladdr ${hostMac} dev eth0 nud permanent`,
  ];
}

/** A route that isn't ours. */
export interface ForeignRoute {
  readonly destination: Cidr;
  /** Undefined where it leads nowhere. */
  readonly device: string | undefined;
}

interface RouteJson {
  readonly type?: string;
  readonly dst: string;
  readonly dev?: string;
  readonly prefsrc?: string;
  readonly table?: string;
  readonly protocol?: string;
}

/** Our routes from `ip -json -N -4 route show table all`. */
export function parseRoutes(json: string): Route[] {
  const routes: Route[] = [];
  for (const route of parseJsonList<RouteJson>(json)) {
    if (route.protocol !== String(routeProtocol)) continue;
    const source = route.prefsrc === undefined ? {} : { source: parseIpv4(route.prefsrc) };
    routes.push({
      table: tableNumber(route.table),
      destination: parseDestination(route.dst),
      to:
        route.type === "unreachable" || route.type === "7" || route.dev === undefined
          ? "unreachable"
          : { device: route.dev, ...source },
    });
  }
  return routes;
}

/** Where others than we lead packets, and this host's own addresses; from the same answer. A default route is in nobody's way. */
export function parseForeignRoutes(json: string): ForeignRoute[] {
  return parseJsonList<RouteJson>(json)
    .filter(({ dst, protocol }) => dst !== "default" && protocol !== String(routeProtocol))
    .map(({ dst, dev }) => ({ destination: parseDestination(dst), device: dev }));
}

interface RuleJson {
  readonly priority: number;
  readonly src: string;
  readonly srclen?: number;
  readonly fwmark?: string;
  readonly table?: string;
  readonly protocol?: string;
}

/** Our rules from `ip -json -N -4 rule show`. */
export function parseRules(json: string): Rule[] {
  return parseJsonList<RuleJson>(json)
    .filter(({ protocol, src, fwmark }) => protocol === String(routeProtocol) && (src !== "all" || fwmark !== undefined))
    .map(({ priority, src, srclen, fwmark, table }) => ({
      priority,
      table: tableNumber(table),
      ...(fwmark === undefined ? { from: parseCidr(`${src}/${srclen ?? 32}`) } : { mark: Number(fwmark) }),
    }));
}

/** Device names from `ip -json link show`. */
export function parseDevices(json: string): string[] {
  return parseJsonList<{ readonly ifname: string }>(json).map((link) => link.ifname);
}

function parseJsonList<T>(json: string): readonly T[] {
  return json.trim() === "" ? [] : (JSON.parse(json) as T[]);
}

function parseDestination(text: string): Cidr {
  if (text === "default") return parseCidr("0.0.0.0/0");
  return parseCidr(text.includes("/") ? text : `${text}/32`);
}

function tableNumber(table: string | undefined): number {
  if (table === undefined || table === "main") return mainTable;
  return table === "local" ? localTable : Number(table);
}
