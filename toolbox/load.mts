/* toolbox load --url URL --rps N [--seconds N]: asks N times a second, each time over a connection of its own, for so many seconds, or until
 * its standard input ends. A JSON line
 * for the beginning, for each request that was lost, and for the sum. Whatever isn't answered with a status below 500 in time is lost. */

import { request } from "node:http";
import { parseArgs } from "node:util";

export type LoadLine =
  | { readonly type: "begun" }
  /** `atMs` is when it was sent, by the wall clock. */
  | { readonly type: "lost"; readonly atMs: number; readonly why: string }
  | { readonly type: "sum"; readonly sent: number; readonly lost: number };

const rpsMax = 2_000;
const openMax = 2_000;
const answerMs = 3_000;
const tickMs = 5;
const durationMsMax = 15 * 60_000;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { url: { type: "string" }, rps: { type: "string" }, seconds: { type: "string" } },
  });
  const rps = Number(values.rps);
  if (values.url === undefined || !(rps > 0 && rps <= rpsMax)) throw new Error(`want --url and --rps up to ${rpsMax}`);
  const { url } = values;
  const beganMs = performance.now();
  let [sent, lost, open] = [0, 0, 0];
  let over = false;
  const durationMs = values.seconds === undefined ? durationMsMax : Math.min(durationMsMax, 1_000 * Number(values.seconds));
  if (!(durationMs > 0)) throw new Error("want --seconds above 0");
  // A pod that nobody attached to has none.
  if (values.seconds === undefined) {
    process.stdin.resume().once("end", () => {
      over = true;
    });
  }
  print({ type: "begun" });
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - beganMs;
    over ||= elapsedMs > durationMs;
    if (over && open === 0) {
      clearInterval(timer);
      print({ type: "sum", sent, lost });
      // Standard input may still be open.
      process.exitCode = 0;
      process.stdin.destroy();
    }
    if (over) return;
    for (const due = Math.floor((elapsedMs * rps) / 1000); sent < due; ) {
      sent += 1;
      open += 1;
      const atMs = Date.now();
      ask(url, open > openMax).then((why) => {
        open -= 1;
        if (why === undefined) return;
        lost += 1;
        print({ type: "lost", atMs, why });
      });
    }
  }, tickMs);
}

/** Undefined where it was answered. */
function ask(url: string, crowded: boolean): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (crowded) return resolve(`${openMax} requests were open`);
    const call = request(url, { agent: false, timeout: answerMs }, (response) => {
      const { statusCode = 0 } = response;
      response.on("end", () => resolve(statusCode < 500 ? undefined : `status ${statusCode}`));
      response.on("error", (error) => resolve(wordOf(error)));
      response.resume();
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${answerMs / 1000} s`)));
    call.on("error", (error) => resolve(wordOf(error)));
    call.end();
  });
}

function wordOf(error: Error): string {
  return "code" in error && error.code !== undefined ? String(error.code) : error.message;
}

function print(line: LoadLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
