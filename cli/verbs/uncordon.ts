import { schedulableVerb } from "../schedulable-verb.ts";

export const uncordonVerb = schedulableVerb({
  unschedulable: false,
  done: "uncordoned",
  description: "Let the scheduler bind pods to nodes again.",
  examples: `
    # One node
    podwire uncordon node-1`,
});
