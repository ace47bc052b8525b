import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createManualClock } from "#core/clock.ts";
import type { ContainerState } from "#kernel/container-state.ts";
import { Container } from "#proto/podwire/v1/resources.ts";
import { endOf } from "../../../node-agent/pods/container-end.ts";
import { containerFolder } from "../../../node-agent/pods/container-folders.ts";
import { temporaryFolder } from "../temporary-folder.ts";

describe("how a container's run ended", () => {
  const exited = (code: number | undefined, oomKilled = false): ContainerState => ({
    ...{ state: "exited", code, oomKilled, startedAtMs: 1_000, finishedAtMs: 2_000 },
  });
  const cases: readonly (readonly [sentence: string, state: ContainerState, code: number, reason: string])[] = [
    ["with 0", exited(0), 0, "Completed"],
    ["with another code", exited(7), 7, "Error"],
    ["for want of memory", exited(137, true), 137, "OOMKilled"],
    ["for want of memory of one of its processes, and well", exited(0, true), 0, "OOMKilled"],
    ["before its command ran", exited(undefined), 128, "StartError"],
    ["without a trace", { state: "absent" }, 137, "ContainerStatusUnknown"],
  ];
  for (const [sentence, state, code, reason] of cases) {
    it(`${sentence} is told as ${reason}`, () => {
      using place = temporaryFolder();
      const folder = containerFolder(place.path, "main");
      const end = endOf(state, Container.fromJSON({ name: "main" }), folder, 0, createManualClock());
      assert.deepEqual([end.exitCode, end.reason], [code, reason]);
    });
  }

  it("before its command ran is told with what the log says", () => {
    using place = temporaryFolder();
    const folder = containerFolder(place.path, "main");
    mkdirSync(folder.stateDir(0), { recursive: true });
    writeFileSync(folder.logPath(0), "cannot start: no such thing\n");
    const end = endOf(exited(undefined), Container.fromJSON({ name: "main" }), folder, 0, createManualClock());
    assert.equal(end.message, "cannot start: no such thing");
  });
});
