import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createManualClock } from "#core/clock.ts";
import type { ContainerState, Containers } from "#kernel/containers.ts";
import { containerFolder } from "../../../node-agent/pods/container-folders.ts";
import { isFinished, runContainer } from "../../../node-agent/pods/container-runner.ts";
import type { ObservedContainer } from "../../../node-agent/pods/pod-status.ts";
import type { RestartPolicy } from "../../../node-agent/pods/restart.ts";
import { until } from "../../support/until.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const exited = (code: number | undefined): ContainerState => ({ state: "exited", code, startedAtMs: 1, finishedAtMs: 2 });

/** Containers as a test says they are. */
function scripted(more: Partial<Containers>): Containers {
  return {
    start: async () => assert.fail("started"),
    read: () => ({ state: "absent" }),
    exited: async () => {},
    signal: () => false,
    kill() {},
    exec: () => assert.fail("exec"),
    ...more,
  };
}

describe("a container's runner", () => {
  const cases: readonly (readonly [RestartPolicy, ContainerState | undefined, boolean])[] = [
    ["Never", exited(0), true],
    ["Never", exited(7), true],
    ["Never", exited(undefined), true],
    ["OnFailure", exited(0), true],
    ["OnFailure", exited(7), false],
    ["OnFailure", exited(undefined), false],
    ["Always", exited(0), false],
    ["Never", { state: "starting" }, false],
    ["Never", { state: "absent" }, false],
    ["Never", undefined, false],
  ];
  for (const [policy, state, want] of cases) {
    it(`takes ${JSON.stringify(state) ?? "no run at all"} under ${policy} for ${want ? "the end" : "not the end"}`, () => {
      using folder = temporaryFolder();
      const place = containerFolder(folder.path, "main");
      if (state !== undefined) mkdirSync(place.stateDir(0), { recursive: true });
      assert.equal(isFinished(scripted({ read: () => state ?? { state: "absent" } }), place, policy), want);
    });
  }

  it("ends what an earlier agent left half started before it starts the same run again", async () => {
    using folder = temporaryFolder();
    const place = containerFolder(folder.path, "main");
    mkdirSync(place.stateDir(0), { recursive: true });
    const clock = createManualClock();
    const done: string[] = [];
    let state: ContainerState = { state: "starting" };
    const containers = scripted({
      read: () => state,
      kill() {
        done.push("kill");
        state = { state: "absent" };
      },
      async start() {
        done.push("start");
        state = exited(0);
      },
    });
    const observed: ObservedContainer[] = [];
    const never = new AbortController().signal;
    const running = runContainer({
      ...{ name: "main", program: { found: true, argv: ["true"] }, restartPolicy: "Never", folder: place, containers, clock },
      spec: () => ({ hidden: "", hostname: "", hosts: "", resolvConf: "", command: { argv: [], env: {} } }),
      onChange: (next) => void observed.push(next),
      ...{ signal: never, terminate: never, kill: never },
    });
    await until(async () => {
      await clock.advance(20);
      return done.includes("start");
    }, "the start");
    await running;
    assert.deepEqual(done, ["kill", "start"]);
    assert.ok(clock.monotonicMs() >= 2_000, "it gave the earlier start time");
    assert.deepEqual(observed.at(-1)?.now.phase, "ended");
  });
});
