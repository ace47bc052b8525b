import { schedulableVerb } from "../schedulable-verb.ts";

export const cordonVerb = schedulableVerb({
  unschedulable: true,
  done: "cordoned",
  description: "Let the scheduler bind no more pods to nodes; the pods that they have stay.",
  examples: `
    # One node, the nodes of a zone
    podwire cordon node-1
    podwire cordon -l zone=a`,
});
