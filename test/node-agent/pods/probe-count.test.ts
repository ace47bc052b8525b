import assert from "node:assert/strict";
import { Probe } from "#proto/podwire/v1/resources.ts";
import {
  countAnswer,
  initialCount,
  type ProbeKind,
  pauseMs,
  timesOf,
  type Verdict,
} from "../../../node-agent/pods/probe-count.ts";

const answersOf = (signs: string): Verdict[] => [...signs].map((sign) => (sign === "+" ? "success" : "failure"));

function verdictsOf(kind: ProbeKind, signs: string, probe: object = {}): (Verdict | undefined)[] {
  const times = timesOf(Probe.fromJSON(probe));
  let count = initialCount(kind);
  return answersOf(signs).map((answer) => {
    count = countAnswer(count, answer, times);
    return count.verdict;
  });
}

describe("a probe's answers", () => {
  it("are asked for with Kubernetes' defaults", () => {
    assert.deepEqual(timesOf(Probe.fromJSON({})), {
      ...{ initialDelayMs: 0, periodMs: 10_000, timeoutMs: 1_000, successThreshold: 1, failureThreshold: 3 },
    });
    assert.deepEqual(
      timesOf(
        Probe.fromJSON({ initialDelaySeconds: 5, periodSeconds: 2, timeoutSeconds: 3, successThreshold: 4, failureThreshold: 6 }),
      ),
      {
        ...{ initialDelayMs: 5_000, periodMs: 2_000, timeoutMs: 3_000, successThreshold: 4, failureThreshold: 6 },
      },
    );
  });

  it("make a container not alive after three failures in a row, and no earlier", () => {
    assert.deepEqual(verdictsOf("liveness", "--+--"), answersOf("+++++"));
    assert.deepEqual(verdictsOf("liveness", "---"), answersOf("++-"));
  });

  it("make a container ready after as many successes in a row as the threshold says", () => {
    assert.deepEqual(verdictsOf("readiness", "-+"), answersOf("-+"));
    assert.deepEqual(verdictsOf("readiness", "+-++", { successThreshold: 2 }), answersOf("---+"));
    assert.deepEqual(verdictsOf("readiness", "+---+"), answersOf("+++-+"));
  });

  it("of a startup probe say nothing before one of the thresholds", () => {
    assert.deepEqual(verdictsOf("startup", "--+"), [undefined, undefined, "success"]);
    assert.deepEqual(verdictsOf("startup", "---"), [undefined, undefined, "failure"]);
  });

  it("are asked for soon at first while a container isn't ready, and each period from then on", () => {
    const times = timesOf(Probe.fromJSON({ periodSeconds: 1 }));
    const unready = countAnswer(initialCount("readiness"), "failure", times);
    assert.deepEqual(
      [1, 2, 3, 4, 5, 10, 11, 50].map((asked) => pauseMs("readiness", unready, times, asked)),
      [20, 30, 45, 68, 101, 769, 1_000, 1_000],
    );
    const ready = countAnswer(unready, "success", times);
    assert.equal(pauseMs("readiness", ready, times, 1), 1_000);
    assert.equal(pauseMs("liveness", countAnswer(initialCount("liveness"), "failure", times), times, 1), 1_000);
  });
});
