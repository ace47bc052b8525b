/* The objects that a verb is about, from its words or from files. */

import { readManifests } from "./manifests.ts";
import { kindOf, parseTargets, type Targets } from "./targets.ts";
import { UsageError } from "./usage-error.ts";
import type { Invocation } from "./verb.ts";
import { nameOf, refuseOtherNamespace } from "./write.ts";

export interface FileOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
}

interface TargetsRequest {
  /** "describe", for the message where there are no words. */
  readonly verb: string;
  /** All of the invocation's where they are absent. */
  readonly words?: readonly string[];
}

export async function readTargets(invocation: Invocation<FileOptions>, request: TargetsRequest): Promise<Targets> {
  const { args, afterDashes = [], options, globals, context } = invocation;
  const { verb, words = [...args, ...afterDashes] } = request;
  const { filename = [], recursive = false } = options;
  if (filename.length === 0) return parseTargets(words, verb);
  if (words.length > 0)
    throw new UsageError("when paths or stdin is provided as resource input, you may not specify resource arguments as well");
  const documents = await readManifests({ paths: filename, recursive, stdin: context.stdin });
  const names = documents.map((document) => {
    if (globals.namespaceGiven) refuseOtherNamespace(document, globals.namespace);
    const { kind, name, namespace } = nameOf(document);
    return { kind: kindOf(kind), name, namespace };
  });
  return { how: "names", names };
}
