/* Hours of a cluster's life in seconds. `SIMULATION_SEED=… SIMULATION_HOURS=…` replays one history, or a longer one. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { startClusterSimulation } from "../support/cluster-simulation.ts";
import { checkAlways, checkConverged, createWorkloads, misfortune, repair } from "../support/simulated-faults.ts";

/** With timers ten times as fast, a second is ten. */
const timeScale = 10;
const faultySeconds = (Number(process.env.SIMULATION_HOURS ?? "1") * 3_600) / timeScale;
const calmSeconds = 150;
const seeds = process.env.SIMULATION_SEED === undefined ? [1, 2, 3, 4] : [Number(process.env.SIMULATION_SEED)];

/** A digest of all that happened and of what is in the store at the end. */
async function live(seed: number, seconds: number): Promise<string> {
  await using simulation = await startClusterSimulation({ seed, nodeCount: 4, timeScale });
  try {
    for (let second = 0; second < 5; second++) await simulation.second();
    await createWorkloads(simulation);
    for (let second = 0; second < seconds; second++) {
      await misfortune(simulation);
      await simulation.second();
      checkAlways(simulation);
    }
    repair(simulation);
    for (let second = 0; second < calmSeconds; second++) {
      await simulation.second();
      checkAlways(simulation);
    }
    checkConverged(simulation);
  } catch (error) {
    throw new Error(`seed ${seed} (SIMULATION_SEED=${seed} replays it), after:\n${simulation.history.slice(-40).join("\n")}`, {
      cause: error,
    });
  }
  const { entries } = simulation.store.list("");
  return createHash("sha256")
    .update(JSON.stringify([simulation.history, entries.map(({ key, value }) => [key, value])]))
    .digest("hex");
}

describe("a cluster's life", () => {
  for (const seed of seeds) {
    it(`keeps its rules whatever happens, and comes to rest when nothing does: seed ${seed}`, async () => {
      await live(seed, faultySeconds);
    }).timeout(600_000);
  }

  it("is the same for the same seed", async () => {
    assert.equal(await live(7, 60), await live(7, 60));
  }).timeout(60_000);
});
