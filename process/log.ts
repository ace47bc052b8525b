/* Daemons log pino JSON on standard output. Fields have the same name everywhere: cluster, node, peer, pod, container, uid,
 * epoch, revision, address, elapsedMs, err. Messages are constant sentences; no secret is ever a field. */

import pino, { type Logger } from "pino";
import { invalid } from "#core/errors.ts";

export type { Logger } from "pino";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** "invalid" where it is no level. */
export function parseLogLevel(text: string): LogLevel {
  const level = logLevels.find((candidate) => candidate === text);
  if (level === undefined) throw invalid(`--log-level "${text}": want one of ${logLevels.join(", ")}`);
  return level;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Which program speaks: "control-plane", "node-agent". */
  readonly name: string;
}

export function createLog({ level, name }: LogOptions): Logger {
  return pino({ level, name, base: { name, pid: process.pid }, serializers: { err: pino.stdSerializers.err } });
}
