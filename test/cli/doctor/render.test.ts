import assert from "node:assert/strict";
import type { Finding } from "#kernel/checks/check.ts";
import { plain } from "../../../cli/colour.ts";
import { findingsAsJson, renderFindings } from "../../../cli/doctor/render.ts";

const good: Finding = { name: "memory", verdict: "ok", found: "8 GiB" };
const warned: Finding = { name: "inotify", verdict: "warning", found: "8 instances", cure: "raise it" };
const bad: Finding = { name: "TUN device", verdict: "missing", found: "none", cure: "modprobe tun" };
const untried: Finding = { name: "links", verdict: "untried", found: "not tried: no sandbox could be made" };

describe("the doctor's report", () => {
  it("marks each check, gives the cure below, and says in the end what stands against a cluster", () => {
    assert.equal(
      renderFindings([good, bad, warned, untried], 3, plain),
      `✓ memory      8 GiB
✗ TUN device  none
              → modprobe tun
! inotify     8 instances
              → raise it
! links       not tried: no sandbox could be made

This machine can't carry a cluster of 3 nodes: TUN device.
`,
    );
  });

  const ends: readonly (readonly [readonly Finding[], number, string])[] = [
    [[good], 1, "This machine can carry a cluster of 1 node."],
    [[good, warned], 3, "This machine can carry a cluster of 3 nodes, with a warning."],
    [[warned, warned], 3, "This machine can carry a cluster of 3 nodes, with 2 warnings."],
    [[good, untried], 3, "This machine can't carry a cluster of 3 nodes: links."],
  ];
  for (const [findings, nodes, want] of ends) {
    it(`ends with "${want}"`, () => assert.equal(renderFindings(findings, nodes, plain).trimEnd().split("\n").at(-1), want));
  }

  it("is JSON for programs", () => {
    assert.deepEqual(JSON.parse(findingsAsJson([good, bad], 2)), { fit: false, nodes: 2, checks: [good, bad] });
  });
});
