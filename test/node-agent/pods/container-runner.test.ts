import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createManualClock } from "#core/clock.ts";
import type { ContainerState } from "#kernel/container-state.ts";
import type { Containers } from "#kernel/containers.ts";
import { createLog } from "#process/log.ts";
import { Container } from "#proto/podwire/v1/resources.ts";
import { containerFolder } from "../../../node-agent/pods/container-folders.ts";
import { finishedCode, runContainer } from "../../../node-agent/pods/container-runner.ts";
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
  const cases: readonly (readonly [RestartPolicy, ContainerState | undefined, number | undefined])[] = [
    ["Never", exited(0), 0],
    ["Never", exited(7), 7],
    ["Never", exited(undefined), 128],
    ["OnFailure", exited(0), 0],
    ["OnFailure", exited(7), undefined],
    ["OnFailure", exited(undefined), undefined],
    ["Always", exited(0), undefined],
    ["Never", { state: "starting" }, undefined],
    ["Never", { state: "absent" }, undefined],
    ["Never", undefined, undefined],
  ];
  for (const [policy, state, want] of cases) {
    it(`takes ${JSON.stringify(state) ?? "no run at all"} under ${policy} for ${want === undefined ? "not the end" : `an end with ${want}`}`, () => {
      using folder = temporaryFolder();
      const place = containerFolder(folder.path, "main");
      if (state !== undefined) mkdirSync(place.stateDir(0), { recursive: true });
      assert.equal(finishedCode(scripted({ read: () => state ?? { state: "absent" } }), place, policy), want);
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
    const observed: Omit<ObservedContainer, "role">[] = [];
    const never = new AbortController().signal;
    const running = runContainer({
      ...{
        container: Container.fromJSON({ name: "main" }),
        podName: "web",
        restartPolicy: "Never",
        preparing: "ContainerCreating",
      },
      ...{ folder: place, containers, clock, log: createLog({ level: "silent", name: "test" }), emit() {} },
      spec: () => ({ hidden: "", hostname: "", hosts: "", resolvConf: "", command: { argv: [], env: {} } }),
      host: () => "127.0.0.1",
      configChanged: () => never,
      redefined: () => never,
      onChange: (next) => void observed.push(next),
      ...{ signal: never, termination: { asked: never, due: never, forced: never }, graceMs: () => 0, turn: Promise.resolve() },
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
