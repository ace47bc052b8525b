import type { Verb } from "../verb.ts";
import { type WriteOptions, writeFlags, writeManifests } from "../write.ts";

export const replaceVerb: Verb<WriteOptions> = {
  usage: "-f (FILE | FOLDER | -) [flags]",
  description: `Replace objects by what the files declare, whole: what a file doesn't have goes. An object that doesn't exist is an error;
so is one that has changed since, where the file has its metadata.resourceVersion.`,
  examples: `
    # What was read before, changed
    podwire get pod web -o yaml | sed 's/tier: front/tier: back/' | podwire replace -f -`,
  flags: writeFlags,
  run: (invocation) =>
    writeManifests(invocation, {
      verb: "replace",
      done: "replaced",
      call: (connection, request, signal) => connection.client.update(request, connection.prompt(signal)),
    }),
};
