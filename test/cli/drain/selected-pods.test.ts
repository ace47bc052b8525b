import assert from "node:assert/strict";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type DrainPolicy, selectPods } from "../../../cli/drain/selected-pods.ts";

interface Facts {
  readonly controller?: string;
  readonly emptyDir?: boolean;
  readonly phase?: string;
}

function podOf(name: string, { controller, emptyDir = false, phase = "Running" }: Facts): Pod {
  const owner = { apiVersion: "apps/v1", kind: controller, name: "web", uid: "1", controller: true };
  return podKind.fromJson({
    metadata: { name, namespace: "default", ownerReferences: controller === undefined ? [] : [owner] },
    spec: { volumes: emptyDir ? [{ name: "scratch", emptyDir: {} }] : [] },
    status: { phase },
  });
}

describe("the pods that a drain evicts", () => {
  const strict: DrainPolicy = { ignoreDaemonSets: false, deleteEmptyDirData: false, force: false };
  const lax: DrainPolicy = { ignoreDaemonSets: true, deleteEmptyDirData: true, force: true };
  const pods = [
    podOf("set", { controller: "ReplicaSet" }),
    podOf("daemon", { controller: "DaemonSet", emptyDir: true }),
    podOf("scratch", { controller: "ReplicaSet", emptyDir: true }),
    podOf("bare", {}),
    podOf("alone", {}),
    podOf("done", { phase: "Succeeded", emptyDir: true }),
  ];
  const names = (selected: readonly Pod[]) => selected.map(({ metadata }) => metadata?.name);

  it("are none before all is allowed that must be", () => {
    assert.deepEqual(selectPods(pods, strict).errors, [
      "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/daemon",
      "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/scratch",
      "cannot delete Pods that declare no controller (use --force to override): default/alone, default/bare",
    ]);
  });

  it("are all but those of DaemonSets, with a word about what is lost", () => {
    const selected = selectPods(pods, lax);
    assert.deepEqual(names(selected.pods), ["set", "scratch", "bare", "alone", "done"]);
    assert.deepEqual(selected.errors, []);
    assert.deepEqual(selected.warnings, [
      "ignoring DaemonSet-managed Pods: default/daemon",
      "deleting Pods with local storage: default/scratch",
      "deleting Pods that declare no controller: default/alone, default/bare",
    ]);
  });

  it("need no word where they have a controller or have ended", () => {
    const harmless = pods.filter((pod) => ["set", "done"].includes(pod.metadata?.name ?? ""));
    assert.deepEqual(selectPods(harmless, strict), { pods: harmless, warnings: [], errors: [] });
  });
});
