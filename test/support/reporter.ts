/* Mocha's own report, and at its end the line that machines read: "N passed, N failed". A pending test counts as failed: a test that
 * is skipped in silence is a defect. */

import Mocha from "mocha";

class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      process.stdout.write(`${passes} passed, ${failures + pending} failed\n`);
    });
  }
}

// Mocha finds a reporter by its default export.
// biome-ignore lint/style/noDefaultExport: mocha's contract
export default Reporter;
