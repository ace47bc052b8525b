/* Which program a container runs. No image is pulled yet: a container sees the node's own programs, so an image needs a command,
 * but for those that are built in. Pure. */

import { AppError } from "#core/errors.ts";
import type { Container } from "#proto/podwire/v1/resources.ts";

interface BuiltInImage {
  /** Before the container's args. */
  readonly entrypoint: readonly string[];
  /** Instead of absent args. */
  readonly defaultArgs: readonly string[];
  /** The program's path in the real image, which a command may name. */
  readonly path?: string;
}

const builtInImages: ReadonlyMap<string, BuiltInImage> = new Map([
  ["podwire/toolbox", { entrypoint: ["toolbox"], defaultArgs: ["pause"] }],
  ["registry.k8s.io/e2e-test-images/agnhost", { entrypoint: ["agnhost"], defaultArgs: ["pause"], path: "/agnhost" }],
  ["registry.k8s.io/hpa-example", { entrypoint: ["toolbox", "hpa-example"], defaultArgs: [] }],
  ["registry.k8s.io/pause", { entrypoint: ["toolbox", "pause"], defaultArgs: [], path: "/pause" }],
]);

/** As Docker's distribution defines it: host and port, path, tag, digest. */
const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const reference = new RegExp(
  `^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?/)?${component}(?:/${component})*(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,})?$`,
);
const referenceLengthMax = 512;

/**
 * As Kubernetes combines them: `command` replaces the image's entrypoint and its arguments, `args` its arguments. Throws an AppError with
 * the reason ErrImagePull or InvalidImageName.
 */
export function programOf({ image = "", command, args }: Pick<Container, "image" | "command" | "args">): readonly string[] {
  if (image.length > referenceLengthMax || !reference.test(image)) {
    const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
    throw new AppError("invalid", message, { reason: "InvalidImageName" });
  }
  const builtIn = builtInImages.get(withoutTag(image));
  if (command.length > 0) {
    const own = builtIn?.path !== undefined && command[0] === builtIn.path;
    return own ? [...builtIn.entrypoint, ...command.slice(1), ...args] : [...command, ...args];
  }
  if (builtIn !== undefined) return [...builtIn.entrypoint, ...(args.length > 0 ? args : builtIn.defaultArgs)];
  const message = `failed to pull image "${image}": Podwire pulls no images: give the container a command that is installed on this machine, or use one of ${[...builtInImages.keys()].join(", ")}`;
  throw new AppError("failed-precondition", message, { reason: "ErrImagePull" });
}

/** What a built-in program learns of its image: the tag, which it tells as its version. */
export function imageVariables(image = ""): Readonly<Record<string, string>> {
  const name = image.split("@")[0] ?? "";
  return isBuiltIn(image) ? { PODWIRE_IMAGE_TAG: name.slice(withoutTag(image).length + 1) || "latest" } : {};
}

export function isBuiltIn(image: string): boolean {
  return builtInImages.has(withoutTag(image));
}

/** `registry/name:tag@sha256:…` without what follows the name. */
function withoutTag(image: string): string {
  const name = image.split("@")[0] ?? "";
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/") ? name.slice(0, colon) : name;
}
