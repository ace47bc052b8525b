/* The Network port on Linux: one `ip -batch` and one `nft -f` for a whole list of steps, since starting a program costs more than
 * what it does. The kernel gives no transaction over both; whoever calls reads again after an error. */

import { readdirSync } from "node:fs";
import { unreachable } from "#core/errors.ts";
import { lastMapped } from "./id-maps.ts";
import {
  type ForeignRoute,
  parseDevices,
  parseForeignRoutes,
  parseRoutes,
  parseRules,
  renderPodHost,
  renderPodInside,
  renderRoute,
  renderRule,
} from "./ip.ts";
import { inNetns, listNetns, writeSysctls } from "./netns.ts";
import {
  type Network,
  type NetworkState,
  type NetworkStep,
  PartlyApplied,
  type PodLink,
  podDevicePrefix,
  podMtu,
  tunName,
} from "./network.ts";
import { parseTable, renderElement, renderRuleBase } from "./nft.ts";
import type { Ruleset } from "./ruleset.ts";
import { RunError, run } from "./run.ts";

/** The kernel takes no greater range of groups that may ping. */
const groupsMax = 2_147_483_647;

/** `netnsPrefix` tells the namespaces of this host's pods from all others. */
export function createLinuxNetwork(netnsPrefix: string, ruleset: Ruleset): Network {
  return {
    read: (signal) => readState(netnsPrefix, ruleset, signal),
    apply: (steps, signal) => applySteps(steps, ruleset, signal),
  };
}

/**
 * What the host's namespace needs before anything else: forwarding, and no reverse-path filter (it breaks replies to nodes that
 * come through the tunnel). A new namespace copies the machine's values and not its parent's, so each is set.
 */
export function prepareHost(): void {
  const filters = readdirSync("/proc/sys/net/ipv4/conf").map((device) => [`net/ipv4/conf/${device}/rp_filter`, "0"]);
  writeSysctls({ "net/ipv4/ip_forward": "1", "net/ipv4/icmp_ratelimit": "0", ...Object.fromEntries(filters) });
}

/** Brings the tunnel device up; it exists while an agent holds it, and after. */
export async function prepareTun(signal: AbortSignal): Promise<void> {
  writeSysctls({ [`net/ipv6/conf/${tunName}/disable_ipv6`]: "1", [`net/ipv4/conf/${tunName}/rp_filter`]: "0" });
  await ipBatch([], [`link set ${tunName} mtu ${podMtu} txqueuelen 1000 up`], signal);
}

/** The routes and addresses of this host that are not ours. */
export async function readForeignRoutes(signal: AbortSignal): Promise<ForeignRoute[]> {
  return parseForeignRoutes(await readRoutes(signal));
}

function readRoutes(signal: AbortSignal): Promise<string> {
  return run(["ip", "-json", "-N", "-4", "route", "show", "table", "all"], { signal });
}

async function applySteps(steps: readonly NetworkStep[], ruleset: Ruleset, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const lines = renderSteps(
    steps,
    steps.some(({ op }) => op === "set-rule-base") ? (await readTable(ruleset, signal)).ruleBase : undefined,
  );
  // What fails for one pod must not keep the others waiting.
  const [onHost] = await Promise.allSettled([ipBatch(["-force"], lines.ip, signal)]);
  const inside = lines.pods.map((link) => setUpInside(link, signal));
  const nft = lines.nft.length > 0 ? ruleset.apply(lines.nft, signal) : undefined;
  // Nobody may go on while a part of this still runs.
  const [table, ...pods] = await Promise.allSettled([nft, ...inside]);
  signal.throwIfAborted();
  const failure = [onHost, table, ...pods].find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return;
  const halfMade = lines.pods.filter((_, i) => pods[i]?.status === "rejected");
  throw new PartlyApplied(failure.reason, halfMade);
}

async function readState(netnsPrefix: string, ruleset: Ruleset, signal: AbortSignal): Promise<NetworkState> {
  const [routes, rules, links, table] = await Promise.all([
    readRoutes(signal),
    run(["ip", "-json", "-N", "-4", "rule", "show"], { signal }),
    run(["ip", "-json", "link", "show"], { signal }),
    readTable(ruleset, signal),
  ]);
  return {
    routes: parseRoutes(routes),
    rules: parseRules(rules),
    devices: parseDevices(links).filter((device) => device.startsWith(podDevicePrefix)),
    netns: listNetns().filter((name) => name.startsWith(netnsPrefix)),
    ...table,
  };
}

async function readTable(ruleset: Ruleset, signal: AbortSignal): Promise<Pick<NetworkState, "ruleBase" | "elements">> {
  try {
    return parseTable(await ruleset.list(["table", "ip", "podwire"], signal));
  } catch (error) {
    if (error instanceof RunError && error.stderr.includes("No such file or directory"))
      return { ruleBase: undefined, elements: [] };
    throw error;
  }
}

export interface Lines {
  /** For `ip -batch`, on the host. */
  readonly ip: string[];
  /** For `nft -f`. */
  readonly nft: string[];
  /** Each then gets its half inside. */
  readonly pods: PodLink[];
}

/** `staleRuleBase` is the digest of the rule base that stands there now. */
export function renderSteps(steps: readonly NetworkStep[], staleRuleBase: string | undefined): Lines {
  const lines: Lines = { ip: [], nft: [], pods: [] };
  for (const step of steps) {
    switch (step.op) {
      case "add-route":
        lines.ip.push(renderRoute("replace", step.route));
        break;
      case "remove-route":
        lines.ip.push(renderRoute("del", step.route));
        break;
      case "add-rule":
        lines.ip.push(renderRule("add", step.rule));
        break;
      case "remove-rule":
        lines.ip.push(renderRule("del", step.rule));
        break;
      case "add-pod":
        lines.ip.push(...renderPodHost(step.link));
        lines.pods.push(step.link);
        break;
      case "remove-device":
        lines.ip.push(`link del ${step.device}`);
        break;
      case "remove-netns":
        lines.ip.push(`netns del ${step.netns}`);
        break;
      case "set-rule-base":
        lines.nft.push(...renderRuleBase(step.base, staleRuleBase));
        break;
      case "add-element":
        lines.nft.push(renderElement("add", step.element));
        break;
      case "remove-element":
        lines.nft.push(renderElement("delete", step.element));
        break;
      default:
        unreachable(step);
    }
  }
  return lines;
}

async function setUpInside(link: PodLink, signal: AbortSignal): Promise<void> {
  inNetns(link.netns, () =>
    writeSysctls({
      "net/ipv4/ip_unprivileged_port_start": "0",
      "net/ipv4/ping_group_range": `0 ${Math.min(lastMapped("gid_map"), groupsMax)}`,
      "net/ipv4/conf/all/rp_filter": "0",
      "net/ipv4/conf/eth0/rp_filter": "0",
      "net/ipv6/conf/eth0/disable_ipv6": "1",
    }),
  );
  await ipBatch(["-netns", link.netns], renderPodInside(link), signal);
}

async function ipBatch(options: readonly string[], lines: readonly string[], signal: AbortSignal): Promise<void> {
  if (lines.length === 0) return;
  await run(["ip", ...options, "-batch", "-"], { input: `${lines.join("\n")}\n`, signal });
}
