import assert from "node:assert/strict";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { createUsageBook } from "../../../../control-plane/autoscaling/vertical/usage-book.ts";
import { measurementOf } from "../../../support/measurements.ts";
import { runningPod } from "../../../support/workload-objects.ts";

const measured = (pod: Pod) => measurementOf("node-1", [pod]).pods[0] ?? assert.fail();
const namesIn = (usage: ReadonlyMap<string, unknown>) => [...usage.keys()].join(" ");

describe("the book of what was used", () => {
  const pod = runningPod("a");

  it("counts a measurement once, however often it is looked at", () => {
    const book = createUsageBook();
    const same = measured(pod);
    book.note("web", pod, same, 0);
    book.note("web", pod, same, 1);
    assert.equal(book.of("web").get("main")?.lastDays, 0);
    book.note("web", pod, measured(pod), 1);
    assert.equal(book.of("web").get("main")?.lastDays, 1);
  });

  it("keeps what it knows of a target without pods, and forgets one without an autoscaler", () => {
    const book = createUsageBook();
    book.note("web", pod, measured(pod), 0);
    book.keepOnly(new Map([["web", []]]));
    assert.equal(namesIn(book.of("web")), "main");
    book.keepOnly(new Map());
    assert.equal(namesIn(book.of("web")), "");
  });

  it("forgets containers that no pod has any more", () => {
    const book = createUsageBook();
    book.note("web", pod, measured(pod), 0);
    const renamed: Pod = {
      ...pod,
      spec: pod.spec && { ...pod.spec, containers: pod.spec.containers.map((container) => ({ ...container, name: "next" })) },
    };
    book.note("web", renamed, measured(renamed), 0);
    book.keepOnly(new Map([["web", [pod, renamed]]]));
    assert.equal(namesIn(book.of("web")), "main next");
    book.keepOnly(new Map([["web", [renamed]]]));
    assert.equal(namesIn(book.of("web")), "next");
  });
});
