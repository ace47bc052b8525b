import type { Verb } from "../verb.ts";
import { type WriteOptions, writeFlags, writeManifests } from "../write.ts";

export const createVerb: Verb<WriteOptions> = {
  usage: "-f (FILE | FOLDER | -) [flags]",
  description: "Create the objects that the files declare; an object that exists is an error, and nothing is written then.",
  examples: `
    # From a file
    podwire create -f hello.yaml

    # With a name that the control plane completes (metadata.generateName)
    podwire create -f job.yaml -o name`,
  flags: writeFlags,
  run: (invocation) =>
    writeManifests(invocation, {
      verb: "create",
      call: (connection, request, signal) => connection.client.create(request, connection.prompt(signal)),
    }),
};
