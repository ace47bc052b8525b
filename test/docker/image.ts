import { join } from "node:path";
import { docker } from "./docker.ts";

/** Not the user's own. */
export const image = "podwire-test";

/** Of this checkout. */
export async function buildImage(): Promise<void> {
  await docker(["compose", "--project-directory", join(import.meta.dirname, "..", ".."), "build", "--quiet", "control-plane"], {
    PODWIRE_IMAGE: image,
  });
}
