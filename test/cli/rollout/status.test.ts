import assert from "node:assert/strict";
import { findKind } from "#core/objects/kinds.ts";
import { rolloutStatusOf } from "../../../cli/rollout/status.ts";

interface Case {
  readonly title: string;
  readonly spec?: object;
  readonly status: object;
  readonly want: readonly [state: string, text: string];
}

function check(kindName: string, { spec = {}, status }: Case): readonly [string, string] {
  const kind = findKind(kindName) ?? assert.fail();
  const wanted = {
    metadata: { name: "web", generation: 2 },
    spec: { updateStrategy: { type: "RollingUpdate" }, replicas: 3, ...spec },
  };
  const said =
    rolloutStatusOf(kindName)?.(kind.fromJson({ ...wanted, status: { observedGeneration: 2, ...status } })) ?? assert.fail();
  return [said.state, said.text];
}

const unobservable = ["failed", "rollout status is only available for RollingUpdate strategy type"] as const;

describe("the rollout of a StatefulSet", () => {
  const cases: readonly Case[] = [
    {
      title: "waits for its controller",
      status: { observedGeneration: 1 },
      want: ["waiting", "Waiting for statefulset spec update to be observed..."],
    },
    { title: "waits for pods", status: { readyReplicas: 1 }, want: ["waiting", "Waiting for 2 pods to be ready..."] },
    {
      title: "waits for new pods",
      status: { readyReplicas: 3, updatedReplicas: 1 },
      want: ["waiting", "Waiting for partitioned roll out to finish: 1 out of 3 new pods have been updated..."],
    },
    {
      title: "is done at its partition",
      spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } },
      status: { readyReplicas: 3, updatedReplicas: 1 },
      want: ["done", "partitioned roll out complete: 1 new pods have been updated..."],
    },
    {
      title: "can't be followed where nothing rolls",
      spec: { updateStrategy: { type: "OnDelete" } },
      status: {},
      want: unobservable,
    },
  ];
  for (const one of cases) it(one.title, () => assert.deepEqual(check("StatefulSet", one), one.want));
});

describe("the rollout of a DaemonSet", () => {
  const start = 'Waiting for daemon set "web" rollout to finish:';
  const cases: readonly Case[] = [
    {
      title: "waits for its controller",
      status: { observedGeneration: 1 },
      want: ["waiting", "Waiting for daemon set spec update to be observed..."],
    },
    {
      title: "waits for new pods",
      status: { desiredNumberScheduled: 3, updatedNumberScheduled: 1 },
      want: ["waiting", `${start} 1 out of 3 new pods have been updated...`],
    },
    {
      title: "waits until they are available",
      status: { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 },
      want: ["waiting", `${start} 2 of 3 updated pods are available...`],
    },
    {
      title: "is done",
      status: { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 },
      want: ["done", 'daemon set "web" successfully rolled out'],
    },
    {
      title: "can't be followed where nothing rolls",
      spec: { updateStrategy: { type: "OnDelete" } },
      status: {},
      want: unobservable,
    },
  ];
  for (const one of cases) it(one.title, () => assert.deepEqual(check("DaemonSet", one), one.want));
});
