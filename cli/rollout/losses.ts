/* Why a request was lost during a rollout, as far as it can be told from outside: the client sees an address that many pods share, so the
 * pod is the one whose life changed last before the request. Pure. */

import { unreachable } from "#core/errors.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";

/** What was seen of one of the rollout's pods. Times are of the wall clock. */
export interface PodLife {
  readonly name: string;
  readonly node: string;
  /** When it began to take requests; undefined where it did before the rollout, or never. */
  readonly readyMs: number | undefined;
  /** When it was asked to end. */
  readonly endingMs: number | undefined;
  readonly hasPreStop: boolean;
  readonly hasReadinessProbe: boolean;
}

export interface Loss {
  /** Where the request came from. */
  readonly node: string;
  readonly atMs: number;
  readonly why: string;
}

/** Who watches learns of things a little after they happened. */
const slackMs = 50;
/** What happened longer ago is not the cause. */
const readyMsMax = 2_000;

export type Cause =
  /** `afterMs` is how long before the request it happened. */
  { readonly type: "ending" | "unprobed"; readonly life: PodLife; readonly afterMs: number } | { readonly type: "unknown" };

export function causeOf(loss: Loss, lives: readonly PodLife[]): Cause {
  const ending = latest(lives, ({ endingMs }) => endingMs, loss.atMs);
  const ready = latest(
    lives.filter(({ hasReadinessProbe }) => !hasReadinessProbe),
    ({ readyMs }) => (readyMs === undefined || loss.atMs - readyMs > readyMsMax ? undefined : readyMs),
    loss.atMs,
  );
  if (ready !== undefined && (ending === undefined || ready.afterMs < ending.afterMs)) return { type: "unprobed", ...ready };
  return ending === undefined ? { type: "unknown" } : { type: "ending", ...ending };
}

function latest(lives: readonly PodLife[], timeOf: (life: PodLife) => number | undefined, atMs: number) {
  const before = lives.flatMap((life) => {
    const ms = timeOf(life);
    return ms === undefined || ms > atMs + slackMs ? [] : [{ life, afterMs: Math.max(0, Math.round(atMs - ms)) }];
  });
  return before.sort((a, b) => a.afterMs - b.afterMs)[0];
}

/** What a pod's template says of its end and its beginning. */
export function traitsOf({ spec }: Pod): Pick<PodLife, "hasPreStop" | "hasReadinessProbe"> {
  const containers = spec?.containers ?? [];
  return {
    hasPreStop: containers.some(({ lifecycle }) => lifecycle?.preStop !== undefined),
    hasReadinessProbe: containers.every(({ readinessProbe }) => readinessProbe !== undefined),
  };
}

const shownMax = 20;

export interface Account {
  readonly what: string;
  readonly rps: number;
  readonly nodeCount: number;
  readonly sent: number;
  readonly losses: readonly Loss[];
  readonly lives: readonly PodLife[];
  readonly beganMs: number;
}

export function accountText({ what, rps, nodeCount, sent, losses, lives, beganMs }: Account): string {
  const nodes = nodeCount === 1 ? "1 node" : `${nodeCount} nodes`;
  const causes = losses.toSorted((a, b) => a.atMs - b.atMs).map((loss) => ({ loss, cause: causeOf(loss, lives) }));
  const lines = causes.slice(0, shownMax).map(({ loss, cause }) => {
    const at = ((loss.atMs - beganMs) / 1000).toFixed(3);
    return `lost after ${at} s from ${loss.node}: ${loss.why}: ${causeText(cause)}`;
  });
  if (causes.length > lines.length) lines.push(`… and ${causes.length - lines.length} more`);
  const all = [
    ...lines,
    ...podLines(causes),
    `${what}: ${sent} requests from ${nodes} at ${rps} a second, ${losses.length} lost`,
  ];
  return all.map((line) => `${line}\n`).join("");
}

function causeText(cause: Cause): string {
  switch (cause.type) {
    case "ending":
      return `${cause.life.name} (${cause.life.node}) was told to end ${cause.afterMs} ms before`;
    case "unprobed":
      return `${cause.life.name} (${cause.life.node}) was called Ready ${cause.afterMs} ms before, without a readiness probe`;
    case "unknown":
      return "no pod was ending";
    default:
      return unreachable(cause);
  }
}

/** The race of each pod: from which nodes it was still sent requests, and for how long. */
function podLines(causes: readonly { readonly loss: Loss; readonly cause: Cause }[]): string[] {
  const known = causes.flatMap(({ loss, cause }) => (cause.type === "unknown" ? [] : [{ loss, ...cause }]));
  const races = Map.groupBy(known, ({ type, life }) => `${type} ${life.name}`);
  return [...races.values()].flatMap((race) => {
    const [first] = race;
    if (first === undefined) return [];
    const nodes = [...Map.groupBy(race, ({ loss }) => loss.node)].sort(([a], [b]) => (a < b ? -1 : 1));
    const sent = nodes.map(([node, own]) => `${node} for ${Math.max(...own.map(({ afterMs }) => afterMs))} ms`).join(", ");
    const { name, node, hasPreStop } = first.life;
    if (first.type === "unprobed")
      return [`${name} (${node}) lost ${race.length}: it got requests before its program listened, from ${sent}`];
    const hook = hasPreStop
      ? "its preStop hook ends before every node knows"
      : "no preStop hook keeps it serving until every node knows";
    return [`${name} (${node}) lost ${race.length}: it was told to end and still got requests, from ${sent}: ${hook}`];
  });
}
