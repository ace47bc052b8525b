/* What cp copies, and where to: `PATH`, `POD:PATH`, `NAMESPACE/POD:PATH`. A path that begins with "/" or "." is one of this machine. Pure. */

import { UsageError } from "../usage-error.ts";

export type FileSpec =
  | { readonly where: "here"; readonly path: string }
  /** `namespace` is undefined where none is named. */
  | { readonly where: "pod"; readonly namespace: string | undefined; readonly pod: string; readonly path: string };

export function parseFileSpec(word: string): FileSpec {
  const colon = word.indexOf(":");
  if (colon === -1 || /^[./]/.test(word)) {
    if (word === "") throw new UsageError("filepath can not be empty");
    return { where: "here", path: word };
  }
  const names = word.slice(0, colon).split("/");
  const path = word.slice(colon + 1);
  const pod = names.at(-1) ?? "";
  if (names.length > 2 || names.includes("")) {
    throw new UsageError(`${word}: filespec must match the canonical format: [[namespace/]pod:]file/path`);
  }
  if (path === "") throw new UsageError(`${word}: filepath can not be empty`);
  return { where: "pod", namespace: names.length === 2 ? names[0] : undefined, pod, path };
}
