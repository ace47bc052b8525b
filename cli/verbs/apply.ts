import type { Verb } from "../verb.ts";
import { type WriteOptions, writeFlags, writeManifests } from "../write.ts";

export const applyVerb: Verb<WriteOptions> = {
  usage: "-f (FILE | FOLDER | -) [flags]",
  description: `Create the objects that the files declare, and change those that exist to match: what a file no longer says is
taken back, what others have set stays. All documents are checked before the first is written.`,
  examples: `
    # From a file, from a folder, from another program
    podwire apply -f hello.yaml
    podwire apply -f manifests/ -R
    cat hello.yaml | podwire apply -f -

    # Fields that Podwire ignores are errors; nothing is written
    podwire apply -f hello.yaml --validate=strict --dry-run=server`,
  flags: writeFlags,
  run: (invocation) =>
    writeManifests(invocation, {
      verb: "apply",
      call: (connection, request, signal) => connection.client.apply(request, connection.prompt(signal)),
    }),
};
