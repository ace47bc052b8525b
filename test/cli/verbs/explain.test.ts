import assert from "node:assert/strict";
import { comments } from "../../../cli/explain/comments.gen.ts";
import { fieldsOf } from "../../../cli/explain/field-tree.ts";
import { createTestCli } from "../../support/cli.ts";
import { assertGolden } from "../../support/golden.ts";

describe("podwire explain", () => {
  const cli = createTestCli();

  it("shows a field's type, what it is for, and the fields below", async () => {
    const { code, stdout, stderr } = await cli.type("explain pod.spec.containers.livenessProbe");
    assert.deepEqual([code, stderr], [0, ""]);
    assertGolden("cli/explain-probe.txt", stdout);
  });

  it("shows a kind by any of its names", async () => {
    const { stdout } = await cli.type("explain pods");
    assert.match(stdout, /^KIND: {7}Pod\nVERSION: {4}v1\n\n\nDESCRIPTION:\n {4}\S/);
    assert.match(stdout, /\n {2}spec\t<PodSpec>\n/);
    assert.equal((await cli.type("explain po")).stdout, stdout);
  });

  it("shows all fields below with --recursive, and marks those that nothing acts on", async () => {
    const { stdout } = await cli.type("explain pod.spec --recursive");
    assert.match(stdout, /\n {2}containers\t<\[\]Container>\n {4}args\t<\[\]string>\n/);
    assert.match(stdout, /\n {2}schedulerName\t<string> -kept, not acted on-\n/);
    assert.match(stdout, /\n {2}nodeSelector\t<map\[string\]string>\n/);
  });

  it("shows a field that has none below", async () => {
    assert.match((await cli.type("explain configmap.data")).stdout, /^FIELD: data <map\[string\]string>$(?![\s\S]*FIELDS:)/m);
  });

  it("speaks of a comment's field only where the field exists", () => {
    const strays = Object.keys(comments).filter((key) => {
      const [message = "", field] = key.split(".");
      return message !== "Resource" && field !== undefined && !fieldsOf(message).some(({ name }) => name === field);
    });
    assert.deepEqual(strays, []);
  });

  const wrong: readonly (readonly [line: string, stderr: string])[] = [
    ["explain pod.spec.containrs", 'error: field "containrs" does not exist\n\nDid you mean this?\n\tcontainers\n'],
    ["explain pod.spec.nodeName.x", 'error: field "x" does not exist: nodeName is a string\n'],
    ["explain thing", 'error: the server doesn\'t have a resource type "thing"\n'],
    ["explain", "error: You must specify the type of resource to explain: podwire api-resources lists them\n"],
  ];
  for (const [line, stderr] of wrong) {
    it(`refuses ${line}`, async () => assert.deepEqual(await cli.type(line), { code: 1, stdout: "", stderr }));
  }
});
