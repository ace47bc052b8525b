/* Which program a container runs. No image is pulled yet: a container sees the node's own programs, so an image needs a command,
 * but for those that are built in. */

import type { Container } from "#proto/podwire/v1/resources.ts";

export type Program =
  | { readonly found: true; readonly argv: readonly string[] }
  | { readonly found: false; readonly reason: "ErrImagePull"; readonly message: string };

interface BuiltInImage {
  /** Before the container's args. */
  readonly entrypoint: readonly string[];
  /** Instead of absent args. */
  readonly defaultArgs: readonly string[];
}

const builtInImages: ReadonlyMap<string, BuiltInImage> = new Map([
  ["podwire/toolbox", { entrypoint: ["toolbox"], defaultArgs: ["pause"] }],
]);

/** As Kubernetes combines them: `command` replaces the image's entrypoint and its arguments, `args` its arguments. */
export function programOf({ image = "", command, args }: Container): Program {
  if (command.length > 0) return { found: true, argv: [...command, ...args] };
  const builtIn = builtInImages.get(withoutTag(image));
  if (builtIn !== undefined)
    return { found: true, argv: [...builtIn.entrypoint, ...(args.length > 0 ? args : builtIn.defaultArgs)] };
  return {
    found: false,
    reason: "ErrImagePull",
    message: `failed to pull image "${image}": Podwire pulls no images: give the container a command that is installed on this machine, or use one of ${[...builtInImages.keys()].join(", ")}`,
  };
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
