/* Why a request was lost during a rollout, as far as it can be told from outside: the client sees an address that many pods share, so the
 * pod is the one whose life changed last before the request. Pure. */

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

export function causeOf(loss: Loss, lives: readonly PodLife[]): string {
  const ending = latest(lives, ({ endingMs }) => endingMs, loss.atMs);
  const ready = latest(
    lives.filter(({ hasReadinessProbe }) => !hasReadinessProbe),
    ({ readyMs }) => (readyMs === undefined || loss.atMs - readyMs > readyMsMax ? undefined : readyMs),
    loss.atMs,
  );
  if (ready !== undefined && (ending === undefined || ready.ms > ending.ms)) {
    const { name, node } = ready.life;
    return `${name} (${node}) took requests since ${ago(loss, ready.ms)} before, without a readiness probe to say that its program listens`;
  }
  if (ending === undefined) return "no pod was ending";
  const { name, node, hasPreStop } = ending.life;
  const hook = hasPreStop ? "its preStop hook is shorter than that" : "it has no preStop hook to wait for that";
  return `${name} (${node}) was told to end ${ago(loss, ending.ms)} before, and ${loss.node} had not seen it go: ${hook}`;
}

function latest(lives: readonly PodLife[], timeOf: (life: PodLife) => number | undefined, atMs: number) {
  const before = lives.flatMap((life) => {
    const ms = timeOf(life);
    return ms === undefined || ms > atMs + slackMs ? [] : [{ life, ms }];
  });
  return before.sort((a, b) => b.ms - a.ms)[0];
}

function ago({ atMs }: Loss, ms: number): string {
  return `${Math.max(0, Math.round(atMs - ms))} ms`;
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
  const lines = losses
    .toSorted((a, b) => a.atMs - b.atMs)
    .slice(0, shownMax)
    .map((loss) => {
      const at = ((loss.atMs - beganMs) / 1000).toFixed(3);
      return `lost after ${at} s from ${loss.node}: ${loss.why}: ${causeOf(loss, lives)}\n`;
    });
  const more = losses.length - lines.length;
  return `${lines.join("")}${more > 0 ? `… and ${more} more\n` : ""}${what}: ${sent} requests from ${nodes} at ${rps} a second, ${losses.length} lost\n`;
}
