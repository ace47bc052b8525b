/* Whatever was asked of a node and whoever was killed meanwhile: in the end there is what was asked for last, and no more. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import fc from "fast-check";
import { Pod } from "#proto/podwire/v1/resources.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { processesNamed } from "./container-lab.ts";
import { deleted, makePod, openPodLab, type PodLab } from "./pod-lab.ts";

const main = { name: "main", image: "any", command: ["sh", "-c", "echo ran; exec sleep infinity"] };
const volume = { spec: { volumes: [{ name: "shared", emptyDir: {} }] } };
const shared = { volumeMounts: [{ name: "shared", mountPath: "/shared" }] };
const first = { name: "first", image: "any", command: ["sh", "-c", "echo ran; echo made >/shared/file"] };
const sidecar = { ...main, name: "sidecar", restartPolicy: "Always" };

/** What a pod is made of; all of its containers print "ran" when they begin. */
const shapes = {
  plain: { containers: [main] },
  pair: { containers: [main, { ...main, name: "second" }] },
  "with init containers": {
    containers: [{ ...main, ...shared, readinessProbe: { exec: { command: ["test", "-s", "/shared/file"] } } }],
    spec: { ...volume.spec, initContainers: [{ ...first, ...shared }, sidecar] },
  },
  "with a probe": { containers: [{ ...main, readinessProbe: { exec: { command: ["true"] } } }] },
  "with a hook": { containers: [{ ...main, lifecycle: { preStop: { sleep: { seconds: 1 } } } }] },
} satisfies Readonly<Record<string, Parameters<typeof makePod>[2]>>;
type Shape = keyof typeof shapes;

const places = 4;
const runs = 4;

interface Round {
  /** What becomes of each place's pod; a shape puts a new one there. */
  readonly places: readonly ("keep" | "end" | "drop" | Shape)[];
  /** When the agent is killed after it began. */
  readonly killAfterMs: number;
}

const anyPlace = fc.oneof(
  { weight: 3, arbitrary: fc.constant("keep" as const) },
  { weight: 2, arbitrary: fc.constantFrom("end" as const, "drop" as const) },
  { weight: 4, arbitrary: fc.constantFrom(...(Object.keys(shapes) as Shape[])) },
);
const anyRound: fc.Arbitrary<Round> = fc.record({
  places: fc.array(anyPlace, { minLength: places, maxLength: places }),
  killAfterMs: fc.integer({ min: 0, max: 400 }),
});

describe("a node's pods, whatever happens", () => {
  before(requireSandbox);

  it("are in the end what was asked for last", async function () {
    this.timeout(180_000);
    await fc.assert(
      fc.asyncProperty(fc.array(anyRound, { minLength: 2, maxLength: 5 }), async (rounds) => {
        await using lab = await openPodLab();
        const pods: (Pod | undefined)[] = Array.from({ length: places });
        for (const round of rounds) {
          for (const [i, what] of round.places.entries()) pods[i] = next(pods[i], what);
          await killedAgent(lab, present(pods), round.killAfterMs);
        }
        await assertConverges(
          lab,
          present(pods).filter(({ metadata }) => metadata?.deletionTimestamp === undefined),
        );
      }),
      { numRuns: runs, endOnFailure: true },
    );
  });
});

let made = 0;

function next(pod: Pod | undefined, what: Round["places"][number]): Pod | undefined {
  if (what === "keep") return pod;
  if (what === "drop") return undefined;
  if (what === "end") return pod === undefined ? undefined : deleted(pod, 2);
  made += 1;
  return makePod(`pod-${made}`, [], shapes[what]);
}

function present(pods: readonly (Pod | undefined)[]): Pod[] {
  return pods.filter((pod) => pod !== undefined);
}

/** An agent that is told of the pods, and killed. */
async function killedAgent(lab: PodLab, pods: readonly Pod[], afterMs: number): Promise<void> {
  const told = JSON.stringify({ spec: lab.spec, pods: pods.map((pod) => Pod.toJSON(pod)) });
  const child = spawn(process.execPath, [join(import.meta.dirname, "pod-agent.ts"), told], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  // What is tested is the moment itself.
  await sleepFor(afterMs);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function assertConverges(lab: PodLab, wanted: readonly Pod[]): Promise<void> {
  const agent = lab.startAgent();
  try {
    agent.set(...wanted);
    await agent.running(...wanted);
    await until(() => agent.records.load().length === wanted.length, "the others to go", 15_000);
    const running = wanted.flatMap((pod) => containersOf(pod)).filter((name) => name !== "first").length;
    const processes = () => processesNamed(join(lab.spec.stateDir, "pods")).length;
    await until(() => processes() === 2 * running, `${running} containers, and not ${processes()} processes`);
    await lab.assertOnly(...wanted);
    for (const pod of wanted) {
      for (const container of containersOf(pod)) {
        const { logPath, stateDir } = agent.pods.find("default", pod.metadata?.name ?? "", container);
        assert.ok(stateDir.endsWith("/0"), `${container} ran once`);
        assert.equal(readFileSync(logPath(0) ?? "", "utf8"), "ran\n");
      }
    }
  } finally {
    agent.abandon();
  }
}

function containersOf({ spec }: Pod): string[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ name }) => name ?? "");
}
