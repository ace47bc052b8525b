import type { Connection } from "../connect.ts";
import { type CreateFlags, createdObject } from "../created-object.ts";
import { serviceFlags } from "../created-service.ts";
import { dataFlags } from "../data-sources.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";
import {
  inNamespace,
  type WriteOptions,
  type WritePlan,
  writeDocuments,
  writeFlags,
  writeManifests,
  writeModes,
} from "../write.ts";

type CreateOptions = WriteOptions & CreateFlags;

export const createVerb: Verb<CreateOptions> = {
  usage:
    "(-f FILE | namespace NAME | configmap NAME [--from-…] | secret generic NAME [--from-…] | service TYPE NAME [--tcp=…]) [flags]",
  description: "Create the objects that files or flags declare; an object that exists is an error, and nothing is written then.",
  examples: `
    # From a file
    podwire create -f hello.yaml

    # With a name that the control plane completes (metadata.generateName)
    podwire create -f job.yaml -o name

    # From words and files
    podwire create namespace shop
    podwire create configmap settings --from-literal=mode=test --from-file=app.conf
    podwire create secret generic password --from-file=./password.txt
    podwire create service clusterip web --tcp=80:8080
    podwire create service externalname db --external-name=db.example.com

    # As a manifest, without creating it
    podwire create configmap settings --from-file=conf/ --dry-run=client -o yaml`,
  flags(command) {
    writeFlags(command);
    dataFlags(command);
    command.option("--type <type>", "secret: its type");
    serviceFlags(command);
  },
  async run(invocation) {
    const { options, args, afterDashes = [] } = invocation;
    const words = [...args, ...afterDashes];
    if (words.length === 0) return writeManifests(invocation, { verb: "create", call: callCreate });
    if (options.filename !== undefined) throw new UsageError(`name an object or files with -f, not both: ${words.join(" ")}`);
    const modes = writeModes(options);
    const content = await createdObject(words, options);
    return writeDocuments(invocation, { call: callCreate, modes, documents: [inNamespace(content, invocation)] });
  },
};

export const callCreate: WritePlan["call"] = (connection: Connection, request, signal) =>
  connection.client.create(request, connection.prompt(signal));
