import assert from "node:assert/strict";
import { Container } from "#proto/podwire/v1/resources.ts";
import { programOf } from "../../../node-agent/pods/images.ts";

describe("a container's program", () => {
  const cases: readonly (readonly [sentence: string, container: Partial<Container>, argv: readonly string[] | undefined])[] = [
    ["is its command, whatever the image", { image: "nginx", command: ["sleep"] }, ["sleep"]],
    ["is its command and its args", { image: "nginx", command: ["sleep"], args: ["1", "2"] }, ["sleep", "1", "2"]],
    ["is the toolbox, which pauses", { image: "podwire/toolbox" }, ["toolbox", "pause"]],
    ["is the toolbox with args", { image: "podwire/toolbox", args: ["probe"] }, ["toolbox", "probe"]],
    ["is the toolbox of any tag", { image: "podwire/toolbox:0.1" }, ["toolbox", "pause"]],
    ["is the toolbox by digest", { image: "podwire/toolbox:0.1@sha256:00ff" }, ["toolbox", "pause"]],
    ["is its command instead of the toolbox's entrypoint", { image: "podwire/toolbox", command: ["true"] }, ["true"]],
    ["is unknown for an image without a command", { image: "nginx" }, undefined],
    ["is unknown for an image with args only", { image: "nginx", args: ["-g"] }, undefined],
    ["is unknown for the toolbox of another registry", { image: "example.com:5000/podwire/toolbox" }, undefined],
    ["is unknown for no image", {}, undefined],
    ["is not looked up in JavaScript's own names", { image: "constructor" }, undefined],
  ];
  for (const [sentence, container, argv] of cases) {
    it(sentence, () => {
      const program = programOf(Container.fromJSON({ name: "main", ...container }));
      assert.deepEqual(program.found ? program.argv : undefined, argv);
      if (program.found) return;
      assert.equal(program.reason, "ErrImagePull");
      assert.match(program.message, /give the container a command .* or use one of podwire\/toolbox/);
    });
  }
});
