import { doesNotThrow, throws } from "node:assert/strict";
import { type HostPower, type PowerOp, refuseMoment } from "../../embedded/host-power.ts";

describe("a host", () => {
  const cases: readonly (readonly [PowerOp, HostPower, RegExp | undefined])[] = [
    ["start", "stopped", undefined],
    ["start", "running", /node "n" is running: only one that is stopped can be started/],
    ["start", "stopping", /node "n" is stopping: only/],
    ["start", "starting", /node "n" is starting$/],
    ["stop", "running", undefined],
    ["stop", "stopped", /node "n" is stopped: only one that is running can be stopped/],
    ["stop", "stopping", /node "n" is stopping/],
    ["kill", "running", undefined],
    ["kill", "stopping", undefined],
    ["kill", "stopped", /node "n" is stopped already/],
    ["remove", "stopped", undefined],
    ["remove", "running", /node "n" is running: stop it or kill it first/],
  ];
  for (const [op, power, message] of cases) {
    if (message === undefined) it(`that is ${power} takes ${op}`, () => doesNotThrow(() => refuseMoment(op, "n", power)));
    else
      it(`that is ${power} refuses ${op}`, () =>
        throws(() => refuseMoment(op, "n", power), { kind: "failed-precondition", message }));
  }
});
