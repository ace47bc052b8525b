/* What the tests of a pod's rules share: a pod with defaults, and what is wrong with it. */

import assert from "node:assert/strict";
import { podKind } from "#core/objects/pod.ts";
import { formatProblem } from "#core/objects/problem.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";

export function podOf(spec: object): Pod {
  return podKind.withDefaults(podKind.fromJson({ metadata: { name: "web", namespace: "default" }, spec }));
}

/** A pod of one container. */
export function withContainer(container: object, spec: object = {}): Pod {
  return podOf({ containers: [{ name: "a", image: "x", ...container }], ...spec });
}

/** The path of that container. */
export const c = "spec.containers[0]";

export interface RuleCase {
  readonly title: string;
  readonly pod: Pod;
  /** How each problem begins. */
  readonly want: readonly string[];
}

/** A test for each case. */
export function checkRules(cases: readonly RuleCase[]): void {
  for (const { title, pod, want } of cases) {
    it(title, () => {
      const problems = podKind.validate(pod).map(formatProblem);
      assert.equal(problems.length, want.length, problems.join("\n"));
      for (const [i, start] of want.entries()) assert.ok(problems[i]?.startsWith(start), `${problems[i]}\nwanted ${start}`);
    });
  }
}
