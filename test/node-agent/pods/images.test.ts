import assert from "node:assert/strict";
import { Container } from "#proto/podwire/v1/resources.ts";
import { imageVariables, programOf } from "../../../node-agent/pods/images.ts";

describe("a container's program", () => {
  const cases: readonly (readonly [sentence: string, container: Partial<Container>, argv: readonly string[] | undefined])[] = [
    ["is its command, whatever the image", { image: "nginx", command: ["sleep"] }, ["sleep"]],
    ["is its command and its args", { image: "nginx", command: ["sleep"], args: ["1", "2"] }, ["sleep", "1", "2"]],
    ["is the toolbox, which pauses", { image: "podwire/toolbox" }, ["toolbox", "pause"]],
    ["is the toolbox with args", { image: "podwire/toolbox", args: ["probe"] }, ["toolbox", "probe"]],
    ["is the toolbox of any tag", { image: "podwire/toolbox:0.1" }, ["toolbox", "pause"]],
    ["is the toolbox by digest", { image: `podwire/toolbox:0.1@sha256:${"0f".repeat(32)}` }, ["toolbox", "pause"]],
    ["is its command instead of the toolbox's entrypoint", { image: "podwire/toolbox", command: ["true"] }, ["true"]],
    ["is unknown for an image without a command", { image: "nginx" }, undefined],
    ["is unknown for an image with args only", { image: "nginx", args: ["-g"] }, undefined],
    ["is unknown for the toolbox of another registry", { image: "example.com:5000/podwire/toolbox" }, undefined],
    ["is agnhost, which pauses", { image: "registry.k8s.io/e2e-test-images/agnhost:2.47" }, ["agnhost", "pause"]],
    [
      "is agnhost by its path in the image",
      { image: "registry.k8s.io/e2e-test-images/agnhost:2.47", command: ["/agnhost", "netexec"], args: ["--http-port=80"] },
      ["agnhost", "netexec", "--http-port=80"],
    ],
    ["is no agnhost of another image", { image: "busybox", command: ["/agnhost", "netexec"] }, ["/agnhost", "netexec"]],
    ["is pause", { image: "registry.k8s.io/pause:3.10" }, ["toolbox", "pause"]],
    ["is not looked up in JavaScript's own names", { image: "constructor" }, undefined],
  ];
  for (const [sentence, container, argv] of cases) {
    it(sentence, () => {
      const program = () => programOf(Container.fromJSON({ name: "main", ...container }));
      if (argv !== undefined) return assert.deepEqual(program(), argv);
      assert.throws(program, {
        reason: "ErrImagePull",
        message: /give the container a command .* or use one of podwire\/toolbox, registry\.k8s\.io\/e2e-test-images\/agnhost/,
      });
    });
  }

  for (const image of [
    "",
    "Nginx",
    "nginx:a b",
    "nginx:",
    "nginx@sha256:00",
    "a//b",
    "-nginx",
    "http://nginx",
    "a".repeat(600),
  ]) {
    it(`can't be found for the image name ${JSON.stringify(image.slice(0, 20))}, even with a command`, () => {
      assert.throws(() => programOf(Container.fromJSON({ image, command: ["true"] })), {
        reason: "InvalidImageName",
        message: /invalid reference format$/,
      });
    });
  }

  for (const image of [
    "nginx",
    "localhost:5000/a/b_c/d-e.f:v1.0",
    "EXAMPLE.com/nginx",
    `nginx:1@sha256:${"0a".repeat(32)}`,
    "a__b",
  ]) {
    it(`can have the image name ${image}`, () =>
      assert.deepEqual(programOf(Container.fromJSON({ image, command: ["true"] })), ["true"]));
  }
});

describe("a built-in image", () => {
  const agnhost = "registry.k8s.io/e2e-test-images/agnhost";
  for (const [image, tag] of [
    [`${agnhost}:2.53`, "2.53"],
    [agnhost, "latest"],
    [`podwire/toolbox:0.1@sha256:${"0f".repeat(32)}`, "0.1"],
  ] as const) {
    it(`tells its program the tag ${tag}`, () => assert.deepEqual(imageVariables(image), { PODWIRE_IMAGE_TAG: tag }));
  }

  it("is told from others", () => assert.deepEqual(imageVariables("nginx:1"), {}));
});
