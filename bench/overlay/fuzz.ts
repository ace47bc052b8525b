/* npm run bench:fuzz [-- RECORDS [SEED]]: records that lie, for the receiver of the tunnels; ten million where nothing is said. Fails at the first that gets through. */

import { randomInt } from "node:crypto";
import { fuzzReceiver } from "../../test/support/record-fuzz.ts";

const [records = "10000000", seed = String(randomInt(2 ** 32))] = process.argv.slice(2);
const startedMs = performance.now();
const result = fuzzReceiver({ records: Number(records), seed: Number(seed) });
const seconds = (performance.now() - startedMs) / 1000;
process.stdout.write(`${JSON.stringify({ seed: Number(seed), seconds: Math.round(seconds), ...result })}\n`);
