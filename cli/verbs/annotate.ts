import { metadataVerb } from "../metadata-verb.ts";

export const annotateVerb = metadataVerb({
  name: "annotate",
  field: "annotations",
  noun: "annotation",
  examples: `
    # Set one, change one, take one away
    podwire annotate pod web note='my frontend'
    podwire annotate pod web note='our frontend' --overwrite
    podwire annotate pod web note-

    # All pods of the namespace
    podwire annotate pods --all checked-by=me`,
  done: () => "annotated",
  taken: (pairs) =>
    `--overwrite is false but found the following declared annotation(s): ${pairs
      .map(([key, value]) => `'${key}' already has a value (${value})`)
      .join("; ")}`,
});
