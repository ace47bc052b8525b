import assert from "node:assert/strict";
import { jobKind, withSelector } from "#core/objects/job.ts";
import { formatProblem } from "#core/objects/problem.ts";
import type { Job } from "#proto/podwire/v1/resources.ts";

const template = { spec: { restartPolicy: "Never", containers: [{ name: "sum", image: "podwire/toolbox" }] } };
function jobOf(spec: object = {}, more: object = {}): Job {
  return jobKind.withDefaults(
    jobKind.fromJson({ metadata: { name: "sums", namespace: "default" }, spec: { template, ...spec }, ...more }),
  );
}

describe("a Job's specification", () => {
  it("has Kubernetes' defaults", () => {
    const { parallelism, completions, backoffLimit, completionMode, suspend } = jobOf().spec ?? {};
    assert.deepEqual([parallelism, completions, backoffLimit, completionMode, suspend], [1, 1, 6, "NonIndexed", false]);
    assert.equal(jobOf({ parallelism: 3 }).spec?.completions, undefined, "a queue of work");
  });

  const wrong: readonly (readonly [object, string])[] = [
    [{ parallelism: -1 }, "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"],
    [{ completionMode: "Indexed", parallelism: 2 }, "spec.completions: Required value: when completion mode is Indexed"],
    [{ completionMode: "Odd" }, 'spec.completionMode: Unsupported value: "Odd": supported values: "Indexed", "NonIndexed"'],
    [{ manualSelector: true }, "spec.selector: Required value"],
    [
      { template: { spec: { containers: template.spec.containers } } },
      'spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"',
    ],
  ];
  for (const [spec, want] of wrong) {
    it(`refuses ${JSON.stringify(spec)}`, () => assert.deepEqual(jobKind.validate(jobOf(spec)).map(formatProblem), [want]));
  }

  it("selects its own pods, by its uid, unless its user chose which", () => {
    const { selector, template: made } = withSelector(jobOf(), "u-1").spec ?? {};
    assert.deepEqual(selector?.matchLabels, { "batch.kubernetes.io/controller-uid": "u-1" });
    assert.deepEqual(made?.metadata?.labels, {
      "batch.kubernetes.io/controller-uid": "u-1",
      "controller-uid": "u-1",
      "batch.kubernetes.io/job-name": "sums",
      "job-name": "sums",
    });
    const chosen = jobOf({ manualSelector: true, selector: { matchLabels: { app: "sums" } } });
    assert.equal(withSelector(chosen, "u-1"), chosen);
  });

  const before = withSelector(jobOf(), "u-1");
  const change = (next: Job, previous = before) => jobKind.validateUpdate(next, previous).map(formatProblem);
  it("may change how many run at once, whether any do, and its limits", () => {
    const spec = {
      completions: 1,
      parallelism: 4,
      suspend: true,
      backoffLimit: 1,
      activeDeadlineSeconds: 5,
      ttlSecondsAfterFinished: 1,
    };
    assert.deepEqual(change(withSelector(jobOf(spec), "u-1")), []);
  });
  it("may not change how many must succeed, nor its template", () => {
    assert.deepEqual(change(withSelector(jobOf({ completions: 2 }), "u-1")), [
      "spec.completions: Invalid value: 2: field is immutable",
    ]);
    const other = { spec: { ...template.spec, containers: [{ name: "sum", image: "other" }] } };
    assert.deepEqual(change(withSelector(jobOf({ template: other }), "u-1")), [
      "spec.template: Invalid value: {…}: field is immutable",
    ]);
    const waiting = withSelector(jobOf({ suspend: true }), "u-1");
    assert.deepEqual(change(withSelector(jobOf({ suspend: true, template: other }), "u-1"), waiting), []);
  });
});
