import { Event } from "#proto/podwire/v1/resources.ts";
import { subdomainNameProblem } from "../names.ts";
import type { Kind } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { invalidValue, required, unsupported } from "./problem.ts";

const types = ["Normal", "Warning"];

export const eventKind: Kind<Event> = {
  kind: "Event",
  apiVersion: "v1",
  plural: "events",
  singular: "event",
  shortNames: ["ev"],
  categories: [],
  namespaced: true,
  fromJson: (json) => Event.fromJSON(json),
  toJson: (event) => Event.toJSON(event),
  wrap: (value) => ({ object: { $case: "event", value } }),
  withDefaults: (event) => ({ ...event, apiVersion: "v1", kind: "Event", metadata: event.metadata ?? emptyMetadata }),
  validate(event) {
    const problems = validateMetadata(event, { namespaced: true, nameProblem: subdomainNameProblem });
    const { involvedObject, type = "", count = 0 } = event;
    const namespace = event.metadata?.namespace ?? "";
    if (involvedObject === undefined) problems.push(required("involvedObject"));
    // Events of what has no namespace stand in `default`.
    else if ((involvedObject.namespace || "default") !== namespace) {
      problems.push(invalidValue("involvedObject.namespace", involvedObject.namespace ?? "", "does not match event.namespace"));
    }
    if (type !== "" && !types.includes(type)) problems.push(unsupported("type", type, types));
    if (count < 0) problems.push(invalidValue("count", count, "must be greater than or equal to 0"));
    return problems;
  },
  validateUpdate: validateMetadataUpdate,
};
