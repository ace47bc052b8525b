import { metadataVerb } from "../metadata-verb.ts";

export const labelVerb = metadataVerb({
  name: "label",
  field: "labels",
  noun: "label",
  examples: `
    # Set one, change one, take one away
    podwire label pod web tier=front
    podwire label pod web tier=back --overwrite
    podwire label pod web tier-

    # All pods of the namespace; the nodes of a zone
    podwire label pods --all checked=yes
    podwire label nodes -l zone=a disk=ssd

    # What is set
    podwire label pod web --list`,
  done({ added, removed }) {
    if (added) return "labeled";
    return removed ? "unlabeled" : "not labeled";
  },
  taken: (pairs) => pairs.map(([key, value]) => `'${key}' already has a value (${value}), and --overwrite is false`).join("; "),
});
