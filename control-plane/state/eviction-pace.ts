/* How fast nodes that are lost may begin to drive their pods away, as Kubernetes' node lifecycle controller decides it
 * (https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction): where most of a zone is gone, the network to it is
 * the likelier culprit, and pods that run well would be made anew elsewhere. Pure.
 *
 *   a zone in which                                     lets begin
 *   few nodes are unhealthy, or all                     a node every 10 s
 *   more than two are, and they are 55 % or more        a node every 100 s; none where the cluster has at most 50 nodes
 *   all nodes of all zones are unhealthy                none, and those that had begun stop
 *
 * When the last one began is what its taint says, so nothing is remembered here. */

import type { Clock } from "#core/clock.ts";
import { regionLabel, zoneLabel } from "#core/services/labels.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import { findCondition } from "./conditions.ts";
import { drivesSinceMs } from "./node-taints.ts";
import { nameOf } from "./objects.ts";

const secondsBetween = 10;
const secondsBetweenInDisruption = 100;
const unhealthyShare = 0.55;
const unhealthyFew = 2;
const smallClusterMax = 50;

export interface EvictionPlan {
  /** Names of nodes that begin to drive their pods away. */
  readonly begin: ReadonlySet<string>;
  /** Names of nodes that stop. */
  readonly stop: ReadonlySet<string>;
  /** In how many milliseconds the next one may begin. */
  readonly nextMs: number | undefined;
}

export function planEvictions(nodes: readonly Node[], clock: Clock): EvictionPlan {
  // What a new node is, nobody knows yet.
  const known = nodes.filter((node) => readyOf(node) !== undefined);
  const zones = [...Map.groupBy(known, zoneOf).values()].map(healthOf);
  if (zones.every(({ healthyCount }) => healthyCount === 0)) {
    return {
      begin: new Set(),
      stop: new Set(known.filter((node) => drivesSinceMs(node) !== undefined).map(nameOf)),
      nextMs: undefined,
    };
  }
  const begin = new Set<string>();
  const waits: number[] = [];
  for (const { unhealthy, healthyCount } of zones) {
    const [first] = unhealthy.filter((node) => drivesSinceMs(node) === undefined).sort(byLoss);
    const seconds = pauseOf({ unhealthyCount: unhealthy.length, healthyCount, nodeCount: nodes.length });
    if (first === undefined || seconds === undefined) continue;
    const last = Math.max(...unhealthy.map((node) => drivesSinceMs(node) ?? Number.NEGATIVE_INFINITY));
    const waitMs = last + clock.timerMs(seconds) - clock.wallMs();
    if (waitMs > 0) waits.push(waitMs);
    else begin.add(nameOf(first));
  }
  return { begin, stop: new Set(), nextMs: waits.length === 0 ? undefined : Math.min(...waits) };
}

interface ZoneHealth {
  readonly unhealthy: readonly Node[];
  readonly healthyCount: number;
}

function healthOf(nodes: readonly Node[]): ZoneHealth {
  const unhealthy = nodes.filter((node) => readyOf(node)?.status !== "True");
  return { unhealthy, healthyCount: nodes.length - unhealthy.length };
}

interface ZoneCounts {
  readonly unhealthyCount: number;
  readonly healthyCount: number;
  /** Of the whole cluster. */
  readonly nodeCount: number;
}

/** How many seconds lie between two nodes of the zone; undefined for ever. */
function pauseOf({ unhealthyCount, healthyCount, nodeCount }: ZoneCounts): number | undefined {
  const isDisrupted = unhealthyCount > unhealthyFew && unhealthyCount / (unhealthyCount + healthyCount) >= unhealthyShare;
  if (!isDisrupted || healthyCount === 0) return secondsBetween;
  return nodeCount > smallClusterMax ? secondsBetweenInDisruption : undefined;
}

function byLoss(a: Node, b: Node): number {
  return lostMs(a) - lostMs(b) || (nameOf(a) < nameOf(b) ? -1 : 1);
}

function lostMs(node: Node): number {
  return Date.parse(readyOf(node)?.lastTransitionTime ?? "") || 0;
}

function readyOf(node: Node) {
  return findCondition(node.status?.conditions ?? [], "Ready");
}

function zoneOf({ metadata }: Node): string {
  return `${metadata?.labels[regionLabel] ?? ""}\n${metadata?.labels[zoneLabel] ?? ""}`;
}
